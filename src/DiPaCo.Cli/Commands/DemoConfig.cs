using DiPaCo.Core.Configuration;

namespace DiPaCo.Cli.Commands;

/// <summary>The configuration of <c>train --demo</c>: the .NET SDK's API documentation, nothing to download.</summary>
internal static class DemoConfig
{
    /// <summary>Makes it.</summary>
    /// <param name="size">The dial; null for small.</param>
    /// <param name="dataPaths">The user's own text; empty for the documentation.</param>
    public static LoadedConfig Make(ModelSize? size, IReadOnlyList<string> dataPaths) => RunConfigLoader.Parse(
        ConfigTemplate.Write(size ?? ModelSize.Small, dataPaths.Count > 0 ? dataPaths : [DataOptions.Demo], RunName.OfDemo(size, dataPaths)), "demo.yaml");
}
