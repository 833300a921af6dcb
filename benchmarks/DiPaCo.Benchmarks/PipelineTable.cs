using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Training;
using DiPaCo.Training.Benchmarking;

namespace DiPaCo.Benchmarks;

/// <summary>The share of a training step that waits for its batch, over real token chunks and the real prefetcher.</summary>
internal static class PipelineTable
{
    private const int Sequences = 16;
    private const int Length = 256;

    public static async Task PrintAsync(int steps)
    {
        TransformerShape shape = BenchmarkShapes.Small;
        using MemoryStream file = new();
        await RandomDocuments.Chunk(shape.Vocabulary, documents: 2000).WriteToAsync(file, CancellationToken.None);
        using TokenCorpus corpus = new([TokenChunk.Load(file.ToArray())]);
        ShardBatches batches = new(
            corpus, Shard.Of(corpus, corpus.Documents(Split.Train)), new SequenceOptions(Length),
            new ShardOrderOptions(1, new PathId(0), Sequences, LengthWindow: 16));
        using PathModel model = new(shape, ModelTopology.Dense(shape).Modules, new ComputeOptions { MaxTokens = Sequences * Length });
        model.Parameters.Initialize(seed: 1);
        using AdamW optimizer = new(model, new AdamWOptions());
        using BatchPrefetcher prefetcher = new(batches, new StepRange(0, steps), depth: 3, TimeProvider.System);
        prefetcher.Take(CancellationToken.None);
        TimeSpan first = prefetcher.Waited;
        long start = Stopwatch.GetTimestamp();
        for (int step = 1; step < steps; step++)
        {
            Batch batch = prefetcher.Take(CancellationToken.None);
            double loss = model.Accumulate(batch.Tokens.Span, batch.Targets.Span, batch.Length, 1.0 / batch.ScoredTargets) / batch.ScoredTargets;
            optimizer.Step(1e-3, loss);
        }

        TimeSpan total = Stopwatch.GetElapsedTime(start);
        Console.WriteLine($"{steps - 1} steps of {Sequences} × {Length} tokens: {(prefetcher.Waited - first) / total:P2} of the time waiting for the batch");
    }
}
