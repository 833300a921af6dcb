using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Samples for the report: beginnings of documents of different paths, continued by their own path; test documents wherever a path has one.</summary>
/// <param name="session">The run.</param>
/// <param name="tokenizerBlob">The tokenizer's blob.</param>
/// <param name="routed">The shards.</param>
internal sealed class Sampler(RunSession session, BlobHash tokenizerBlob, RoutedCorpus routed)
{
    private const int MostPaths = 4;
    private const double Temperature = 0.8;

    /// <summary>Writes one sample for each of the largest shards, first of those that have a test document.</summary>
    public async Task<ImmutableArray<TextSample>> WriteAsync(ServedModel model, CancellationToken cancellationToken)
    {
        int length = session.Config.Evaluation.SampleTokens;
        if (length == 0)
        {
            return [];
        }

        TextTokenizer tokenizer = TokenizerFile.Load(await session.Store.ReadAllBytesAsync(tokenizerBlob, TokenizerFile.MaximumBytes, cancellationToken));
        ImmutableArray<TextSample>.Builder samples = ImmutableArray.CreateBuilder<TextSample>();
        IEnumerable<PathId> largest = routed.Sizes
            .Where(size => size.TestDocuments + size.TrainDocuments > 0)
            .OrderByDescending(size => size.TestDocuments > 0).ThenByDescending(size => size.TrainTokens).ThenBy(size => size.Path)
            .Take(MostPaths).Select(size => size.Path).Order();
        foreach (PathId path in largest)
        {
            using TokenCorpus corpus = await TokenFiles.OpenAsync(routed.Chunks[path], session.Store, cancellationToken);
            (int[] prompt, string source, Split split) = Prompt(corpus);
            SampleSpec spec = new(
                model.PathOf(path, session.Config.Transformer.Compute), [.. prompt],
                Math.Min(length, session.Config.Transformer.SequenceLength - prompt.Length),
                tokenizer.EndOfText, Temperature, session.Config.Seed);
            TaskResult result = await session.Tasks.RunAsync(spec, null, cancellationToken);
            SampleMetrics written = JsonSerializer.Deserialize<SampleMetrics>(result.Metrics, TaskJson.Options)!;
            samples.Add(new TextSample(path, source, tokenizer.Decode(prompt.AsSpan(1)), tokenizer.Decode(written.Tokens.AsSpan()))
            {
                IsHeldOut = split == Split.Test,
            });
        }

        return samples.ToImmutable();
    }

    private (int[] Prompt, string Source, Split Split) Prompt(TokenCorpus corpus)
    {
        // The longest of the first documents makes a better prompt than a stub.
        Split split = corpus.Documents(Split.Test).Any() ? Split.Test : Split.Train;
        DocumentId document = corpus.Documents(split).Take(16).MaxBy(id => corpus[id].TokenCount);
        DocumentEntry entry = corpus[document];
        int[] prompt = new int[Math.Min(entry.TokenCount, session.Config.Routing.PrefixTokens)];
        corpus.CopyTokens(document, 0, prompt);
        return (prompt, corpus.Sources[entry.Source], split);
    }
}
