using DiPaCo.Core.Configuration;
using DiPaCo.Data;

namespace DiPaCo.Runtime;

/// <summary>The text that a configuration names.</summary>
internal static class CorpusSource
{
    private const string Demo = "demo";

    /// <summary>Opens it; reads nothing yet.</summary>
    /// <exception cref="Core.DiPaCoException">A path does not exist, or has no readable file.</exception>
    public static IDocumentSource Open(LoadedConfig config) => Open(config.Config.Data, config.Config.Data.Paths, BaseFolder(config));

    /// <summary>Opens other text with the configuration's fields.</summary>
    public static IDocumentSource Open(DataOptions fields, IReadOnlyList<string> paths, string baseFolder) =>
        paths is [Demo]
            ? DemoCorpus.Open()
            : Corpus.Open(new CorpusOptions
            {
                Paths = [.. paths.Select(path => Path.GetFullPath(path, baseFolder))],
                TextField = fields.TextField,
                OriginField = fields.OriginField,
                SourceField = fields.SourceField,
                MaximumBadShare = fields.MaxBadShare,
            });

    /// <summary>Relative paths of a configuration are relative to its file.</summary>
    public static string BaseFolder(LoadedConfig config) => Path.GetDirectoryName(Path.GetFullPath(config.SourceFile))!;
}
