using DiPaCo.Core.Configuration;
using DiPaCo.Data;

namespace DiPaCo.Runtime;

/// <summary>The text that a configuration names.</summary>
internal static class CorpusSource
{
    private const int PagesBytes = 4096;
    private const int PartsPerOrigin = 4;

    /// <summary>Opens it; reads nothing yet.</summary>
    /// <exception cref="Core.DiPaCoException">A path does not exist, or has no readable file.</exception>
    public static IDocumentSource Open(LoadedConfig config) => Open(config.Config.Data, config.Config.Data.Paths, config.FullPath);

    /// <summary>Opens other text with the configuration's fields.</summary>
    public static IDocumentSource Open(DataOptions fields, IReadOnlyList<string> paths, Func<string, string> fullPath) =>
        paths is [DataOptions.Demo] ? DemoCorpus.Open() : OpenFiles(fields, [.. paths.Select(fullPath)]);

    private static Corpus OpenFiles(DataOptions fields, IReadOnlyList<string> paths)
    {
        CorpusOptions options = new()
        {
            Paths = paths,
            TextField = fields.TextField,
            OriginField = fields.OriginField,
            SourceField = fields.SourceField,
            MaximumBadShare = fields.MaxBadShare,
        };
        Corpus corpus = Corpus.Open(options);

        // A single book has one original and could not be split at all; its parts, some pages each, take the originals' place.
        return corpus.Files is [{ Format: CorpusFormat.Text }]
            ? Corpus.Open(options with { TextPartBytes = PagesBytes, TextPartsPerOrigin = PartsPerOrigin })
            : corpus;
    }
}
