using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>What the command line states in the place of the file.</summary>
public sealed record ConfigOverrides
{
    /// <summary>The dial; null leaves the file's.</summary>
    public ModelSize? Size { get; init; }

    /// <summary>Files, folders and globs, relative to the working directory; empty leaves the file's.</summary>
    public ImmutableArray<string> DataPaths { get; init; } = [];

    /// <summary>The file's content with the overriding values in it, each where the file states it or at the top.</summary>
    internal YamlMapping? ApplyTo(YamlMapping? top, string file)
    {
        if (Size is { } size)
        {
            top = With(top, "size", new YamlScalar(Words<ModelSize>.Of(size), IsPlain: true, 0, 0));
        }

        if (!DataPaths.IsDefaultOrEmpty)
        {
            string folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
            ImmutableArray<YamlValue> paths = [.. DataPaths.Select(path => new YamlScalar(RelativeTo(folder, path), IsPlain: false, 0, 0))];
            top = With(top, "data", With(top?.Find("data")?.Value as YamlMapping, "paths", new YamlSequence(paths, 0, 0)));
        }

        return top;
    }

    /// <summary>A path of the command line as a file states it: relative to the file, as its own paths are, so that the run's identity does not name this machine's folders.</summary>
    /// <param name="folder">The file's folder.</param>
    /// <param name="path">Relative to the working directory; or the word for the demo, which stays.</param>
    public static string RelativeTo(string folder, string path) =>
        path == DataOptions.Demo ? path : Path.GetRelativePath(folder, Path.GetFullPath(path));

    private static YamlMapping With(YamlMapping? mapping, string key, YamlValue value)
    {
        mapping ??= new YamlMapping([], 0, 0);
        YamlEntry? stated = mapping.Find(key);
        YamlEntry entry = new(key, value, stated?.Line ?? 0, stated?.Column ?? 0);
        return mapping with { Entries = stated is null ? mapping.Entries.Add(entry) : mapping.Entries.Replace(stated, entry) };
    }
}
