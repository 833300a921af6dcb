using DiPaCo.Core.Configuration;

namespace DiPaCo.Cli.Commands;

/// <summary>The configuration of <c>train --demo</c>: the .NET SDK's API documentation, nothing to download.</summary>
internal static class DemoConfig
{
    /// <summary>Makes it.</summary>
    /// <param name="size">The dial; null for small.</param>
    /// <param name="dataPaths">The user's own text; empty for the documentation.</param>
    public static LoadedConfig Make(ModelSize? size, IReadOnlyList<string> dataPaths) => RunConfigLoader.Parse(
        ConfigTemplate.Write(size ?? ModelSize.Small, dataPaths.Count > 0 ? dataPaths : [DataOptions.Demo], NameOf(size)), "demo.yaml");

    /// <summary>Each size is a run of its own, so that a tiny demo does not stand in the way of a small one.</summary>
    private static string NameOf(ModelSize? size) =>
        size is null or ModelSize.Small ? "demo" : $"demo-{size.Value.ToString().ToLowerInvariant()}";
}
