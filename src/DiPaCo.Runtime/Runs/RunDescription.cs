using System.Reflection;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime;

/// <summary>What a run is, wherever it is computed: nothing here names a place.</summary>
/// <param name="Configuration">The complete configuration as canonical JSON (<see cref="RunConfigJson"/>).</param>
/// <param name="ConfigurationYaml">The same for people.</param>
public sealed record RunDescription(string Configuration, string ConfigurationYaml)
{
    /// <summary>Of a configuration that was read from a file.</summary>
    public static RunDescription Of(LoadedConfig config) => new(RunConfigJson.Serialize(config.Config), ResolvedYaml.Write(config));

    /// <summary>The configuration, checked.</summary>
    /// <exception cref="Core.DiPaCoException">It is none of this version.</exception>
    public RunConfig Read() => RunConfigJson.Deserialize(Configuration);

    /// <summary>The version of this program.</summary>
    internal static string Program =>
        typeof(RunDescription).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
}
