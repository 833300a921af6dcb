using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// A starter file: name, size and data are stated, every other key stands below them as a comment with the value that it has
/// anyway. So the file lists all there is to set, and its dial keeps working.
/// </summary>
public static class ConfigTemplate
{
    private static readonly ImmutableArray<string> Stated = ["name", "size", "data.paths"];

    /// <summary>Writes the starter.</summary>
    /// <param name="size">The dial.</param>
    /// <param name="dataPaths">Files, folders or globs; or <c>demo</c>.</param>
    /// <param name="name">Name of the run.</param>
    /// <exception cref="ConfigurationException">The name or a path is not one that a configuration accepts.</exception>
    public static string Write(ModelSize size, IReadOnlyList<string> dataPaths, string name)
    {
        LoadedConfig loaded = RunConfigLoader.Parse(Minimal(size, dataPaths, name), "new configuration");
        YamlOutline outline = new();
        outline.AddComment($"A DiPaCo run. 'size' fills in every value that this file does not state.");
        outline.AddComment($"'dipaco plan' shows the result; remove a # to set a value yourself.");
        foreach (ConfigValue value in loaded.Values)
        {
            outline.Add(value, value.Summary, asComment: !Stated.Contains(value.Key));
        }

        return outline.ToString();
    }

    private static string Minimal(ModelSize size, IReadOnlyList<string> dataPaths, string name) =>
        $"name: {YamlText.Quote(name)}\nsize: {Words<ModelSize>.Of(size)}\ndata:\n  paths: [{string.Join(", ", dataPaths.Select(YamlText.Quote))}]\n";
}
