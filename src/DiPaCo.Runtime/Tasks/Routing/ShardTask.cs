using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Computes a <see cref="ShardSpec"/>: training documents are balanced and may go to several shards, held-out ones go where the router
/// sends them, because that is what happens at inference.
/// </summary>
internal sealed class ShardTask(ShardSpec spec, TokenCorpus corpus, RoutedDocuments documents, IRouter router, int threads)
{
    private const int TokensPerChunk = 16 << 20;
    private const int TopSources = 5;

    public async Task<TaskResult> ExecuteAsync(IBlobStore store, CancellationToken cancellationToken)
    {
        List<int>[] documentsOf = Assign(cancellationToken);
        ImmutableSortedDictionary<string, BlobHash>.Builder outputs = ImmutableSortedDictionary.CreateBuilder<string, BlobHash>();
        ImmutableArray<ShardSize>.Builder sizes = ImmutableArray.CreateBuilder<ShardSize>();
        for (int p = 0; p < spec.Paths.Length; p++)
        {
            PathId path = spec.Paths[p];
            int chunks = 0;
            foreach (TokenChunkBuilder chunk in Chunks(documentsOf[p]))
            {
                outputs[ShardSpec.Output(path, chunks++)] = await store.PutAsync(chunk.WriteToAsync, cancellationToken);
            }

            sizes.Add(Measure(path, chunks, documentsOf[p]));
        }

        ShardMetrics metrics = new(sizes.ToImmutable());
        return new TaskResult(outputs.ToImmutable(), JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    private List<int>[] Assign(CancellationToken cancellationToken)
    {
        RouterMatch.ThrowIfOther(router, spec.Paths, documents.Input);
        List<int>[] documentsOf = [.. spec.Paths.Select(_ => new List<int>())];
        int[] training = documents.Usable(spec.PrefixTokens, entry => entry.Split == Split.Train);
        if (training.Length > 0)
        {
            ShardOptions options = new()
            {
                MinimumShare = spec.MinimumShare,
                CapacityFactor = spec.CapacityFactor,
                Balance = spec.Balance,
                Overlap = spec.Overlap,
                Threads = threads,
            };
            ShardAssignment assignment = ShardAssignment.Of(router, documents.Input.Select(training), options, cancellationToken);
            for (int p = 0; p < documentsOf.Length; p++)
            {
                documentsOf[p].AddRange(assignment.Shards[p].Select(i => training[i]));
            }
        }

        int[] heldOut = documents.Usable(spec.PrefixTokens, entry => entry.Split != Split.Train);
        if (heldOut.Length > 0)
        {
            ImmutableArray<PathId> chosen = router.Route(documents.Input.Select(heldOut), threads, cancellationToken);
            for (int i = 0; i < heldOut.Length; i++)
            {
                documentsOf[spec.Paths.IndexOf(chosen[i])].Add(heldOut[i]);
            }
        }

        return documentsOf;
    }

    private IEnumerable<TokenChunkBuilder> Chunks(List<int> numbers)
    {
        numbers.Sort();
        TokenChunkBuilder chunk = new(corpus.VocabularySize);
        foreach (int number in numbers)
        {
            DocumentEntry entry = documents.Entries[number];
            if (chunk.DocumentCount > 0 && chunk.TokenCount + entry.TokenCount > TokensPerChunk)
            {
                yield return chunk;
                chunk = new TokenChunkBuilder(corpus.VocabularySize);
            }

            int[] tokens = new int[entry.TokenCount];
            corpus.CopyTokens(documents.Ids[number], 0, tokens);
            chunk.Add(entry.OriginHash, corpus.Sources[entry.Source], entry.Split, tokens, entry.ByteCount);
        }

        if (chunk.DocumentCount > 0)
        {
            yield return chunk;
        }
    }

    private ShardSize Measure(PathId path, int chunks, List<int> numbers)
    {
        DocumentEntry[] training = [.. numbers.Select(i => documents.Entries[i]).Where(entry => entry.Split == Split.Train)];
        ImmutableArray<SourceCount> sources = [.. training
            .CountBy(entry => entry.Source)
            .OrderByDescending(count => count.Value).ThenBy(count => count.Key)
            .Take(TopSources)
            .Select(count => new SourceCount(corpus.Sources[count.Key], count.Value))];
        return new ShardSize(
            path, chunks, training.Length, training.Sum(Targets),
            Count(Split.Validation), Count(Split.Test), sources);

        // Tokens 1 … n − 1 are targets, each once an epoch.
        long Targets(DocumentEntry entry) => entry.TokenCount - (spec.LossOnPrefix ? 1 : spec.PrefixTokens);

        long Count(Split split) => numbers.Count(i => documents.Entries[i].Split == split);
    }
}
