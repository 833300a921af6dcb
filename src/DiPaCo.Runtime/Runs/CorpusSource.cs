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
    public static IDocumentSource Open(LoadedConfig config) =>
        Open(config.Config.Data, config.Config.Data.Paths, config.FullPath, isSplit: true, StatesOrigin(config));

    /// <summary>Opens other text with the configuration's fields. Nothing of it is split, so it may be without originals, and a single book is cut as one of several.</summary>
    public static IDocumentSource Open(DataOptions fields, IReadOnlyList<string> paths, Func<string, string> fullPath) =>
        Open(fields, paths, fullPath, isSplit: false, requiresOrigin: false);

    private static IDocumentSource Open(DataOptions fields, IReadOnlyList<string> paths, Func<string, string> fullPath, bool isSplit, bool requiresOrigin) =>
        paths is [DataOptions.Demo] ? OpenDemo(fullPath) : OpenFiles(fields, [.. paths.Select(fullPath)], isSplit, requiresOrigin);

    private static bool StatesOrigin(LoadedConfig config) =>
        config.Config.Data.OriginField != new DataOptions { Paths = [] }.OriginField
        || config.Values.Any(value => value is { Key: "data.origin_field", Origin: ConfigOrigin.Stated });

    private static DemoCorpus OpenDemo(Func<string, string> fullPath)
    {
        string folder = fullPath(DataOptions.Demo);
        return DemoCorpus.Open(!Path.Exists(folder) ? null
            : $"'{DataOptions.Demo}' as text to train on is the .NET SDK's documentation, not '{folder}'. If you mean the latter, name it './{DataOptions.Demo}'.");
    }

    private static Corpus OpenFiles(DataOptions fields, IReadOnlyList<string> paths, bool isSplit, bool requiresOrigin)
    {
        CorpusOptions options = new()
        {
            Paths = paths,
            TextField = fields.TextField,
            OriginField = fields.OriginField,
            SourceField = fields.SourceField,
            MaximumBadShare = fields.MaxBadShare,
            RequiresOrigin = requiresOrigin,
        };
        Corpus corpus = Corpus.Open(options);

        // A single book has one original and could not be split at all; its parts, some pages each, take the originals' place.
        return isSplit && corpus.Files is [{ Format: CorpusFormat.Text } book]
            ? Corpus.Open(
                options with { TextPartBytes = PagesBytes, TextPartsPerOrigin = PartsPerOrigin },
                $"The text is one single file, {book.Name}, and is divided every {PartsPerOrigin * PagesBytes / 1024} KiB: what is held out stands beside what is trained on. Give several files, or records, to hold out whole originals.")
            : corpus;
    }
}
