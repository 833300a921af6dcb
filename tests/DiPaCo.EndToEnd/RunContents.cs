using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.EndToEnd;

/// <summary>Everything of a run's folder that must not depend on what happened on the way.</summary>
internal static class RunContents
{
    /// <summary>
    /// Blobs by name and content, the journal, which blobs make up the model, and the copy of the tokenizer. Temporary files are nobody's: a living process does
    /// not take its own for leftovers.
    /// </summary>
    public static string[] Of(string folder)
    {
        RunPaths paths = new(folder);
        IEnumerable<string> files = Directory.EnumerateFiles(paths.Blobs, "*", SearchOption.AllDirectories)
            .Where(file => !file.EndsWith(".tmp", StringComparison.Ordinal))
            .Append(paths.Journal)
            .Append(Path.Combine(folder, "model.json"))
            .Append(Path.Combine(folder, "tokenizer.json"));
        return [.. files.Select(file => $"{Path.GetRelativePath(folder, file)} {BlobHash.Of(File.ReadAllBytes(file)).Hex}").Order(StringComparer.Ordinal)];
    }
}
