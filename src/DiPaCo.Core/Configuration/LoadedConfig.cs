using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>A configuration with where it came from.</summary>
/// <param name="Config">The complete configuration.</param>
/// <param name="SourceFile">The file as the user named it.</param>
/// <param name="Values">Every key with its value, and whether the file states it, in the order in which a file lists them.</param>
public sealed record LoadedConfig(RunConfig Config, string SourceFile, ImmutableArray<ConfigValue> Values)
{
    /// <summary>A path that the configuration states: a relative one is relative to its file.</summary>
    public string FullPath(string path) => Path.GetFullPath(path, Path.GetDirectoryName(Path.GetFullPath(SourceFile))!);
}
