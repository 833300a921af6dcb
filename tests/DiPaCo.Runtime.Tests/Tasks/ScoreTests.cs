using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Runs;
using DiPaCo.Runtime.Tests.Support;
using TorchSharp;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Scoring under all paths at once, on the model of the small run.</summary>
public sealed class ScoreTests(ReferenceRun reference) : IDisposable
{
    private readonly Workbench _bench = new(reference.View);

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(1)]
    public async Task EveryColumn_IsWhatItsPathLosesAlone(int cell)
    {
        RunView run = reference.View;
        LossMatrix losses = await ScoreAsync(cell);

        Assert.Equal(run.Topology.Paths.AsEnumerable(), losses.Paths);
        for (int p = 0; p < losses.Paths.Length; p++)
        {
            int column = p;
            EvaluationMetrics expected = Read<EvaluationMetrics>(await _bench.ExecuteAsync(new EvaluateSpec(
                PathOf(losses.Paths[p]), run.Model!.Chunks, run.Model.Tokenizer, Split.Test, run.Sequences, HeldOutRank.All)));
            EvaluationMetrics found = RouterBounds.Routed(losses, (_, _) => column);
            Assert.Equal(
                (expected.Documents, expected.Tokens, expected.PrefixTokens, expected.Bytes), (found.Documents, found.Tokens, found.PrefixTokens, found.Bytes));
            Assert.Equal(expected.Loss, found.Loss, 1e-6 * expected.Loss);
            Assert.Equal(expected.PrefixLoss, found.PrefixLoss, 1e-6 * expected.PrefixLoss);
        }
    }

    [Fact]
    public async Task Cells_AreTheSumsOfTheirTokens_AndBeginAtTheEndOfThePrefix()
    {
        LossMatrix tokens = await ScoreAsync(1);
        LossMatrix cells = await ScoreAsync(5);
        int paths = tokens.Paths.Length;

        // Documents of several sequences are among them, with cells that straddle two.
        Assert.Contains(tokens.Documents, document => document.Tokens > 2 * reference.View.Config.Transformer.SequenceLength);
        for (int d = 0; d < tokens.Documents.Length; d++)
        {
            (int start, int count) = tokens.CellsOf(d).GetOffsetAndLength(tokens.CellCount);
            int cell = cells.CellsOf(d).Start.Value;
            Assert.Equal(tokens.Documents[d].Tokens, count);
            for (int first = 0; first < count; first += 5, cell++)
            {
                for (int p = 0; p < paths; p++)
                {
                    double sum = Enumerable.Range(start + first, Math.Min(5, count - first)).Sum(token => (double)tokens.LossesOf(token)[p]);
                    Assert.Equal((float)sum, cells.LossesOf(cell)[p]);
                }
            }

            Assert.Equal(cells.CellsOf(d).End.Value, cell);
        }
    }

    [Fact]
    public async Task ATokensLoss_IsThatOfOneNaivePass()
    {
        RunView run = reference.View;
        LossMatrix losses = await ScoreAsync(1);
        PathId path = run.Topology.Paths[3];
        PathInput input = PathOf(path);
        using PathModels models = new(torch.CPU);
        PathModel model = models.Load(input, [.. input.Blobs.Select(run.FileOf)], run.Config.Transformer.SequenceLength);
        using TokenCorpus corpus = TokenCorpus.Open([.. run.Model!.Chunks.Select(run.FileOf)]);
        int length = run.Config.Transformer.SequenceLength;
        int prefix = run.Config.Routing.PrefixTokens;
        int compared = 0;
        for (int d = 0; d < losses.Documents.Length; d++)
        {
            DocumentId id = losses.Documents[d].Id;
            if (corpus[id].TokenCount > length + 1)
            {
                continue;
            }

            int[] document = new int[corpus[id].TokenCount];
            corpus.CopyTokens(id, 0, document);
            float[] naive = new float[document.Length - 1];
            model.EvaluateLosses(document.AsSpan(..^1), document.AsSpan(1..), naive.Length, naive);
            int start = losses.CellsOf(d).Start.Value;
            for (int target = prefix; target < document.Length; target++, compared++)
            {
                Assert.Equal(naive[target - 1], losses.LossesOf(start + target - prefix)[3], 1e-4);
            }

            Assert.Equal(naive.Take(prefix - 1).Sum(), losses.PrefixOf(d)[3], 1e-3);
        }

        Assert.InRange(compared, 20, int.MaxValue);
    }

    [Fact]
    public async Task WhereTheFirstBlockIsPrivate_EveryBranchIsOnePath_AndTheTreeSharesTheEmbeddingOnly()
    {
        RunView run = reference.View;
        (ImmutableArray<BlobHash> losses, List<ScoreMetrics> parts) = await ScoreBranchesAsync(run.Topology, PathOf);
        TaskResult together = await ScoreTogetherAsync(run.Topology, PathOf);
        ScoreMetrics metrics = Read<ScoreMetrics>(together);

        Assert.Equal(run.Topology.Paths.Length, losses.Length);
        Assert.Equal(1 + (3L * run.Topology.Paths.Length), metrics.ModuleEvaluations);
        Assert.Equal(4L * run.Topology.Paths.Length, metrics.SeparateEvaluations);
        Assert.Equal(metrics.Tokens, parts[0].Tokens);
        AssertEqual(await ReadAsync([together[ScoreSpec.Output]]), await ReadAsync(losses));
    }

    [Fact]
    public async Task TheTree_SharesTheFirstLevel_OneTaskHoldsOneBranch_AndEveryColumnIsWhatItsPathLosesAlone()
    {
        RunView run = reference.View;
        ModelTopology topology = ModelTopology.Create(
            new TopologyOptions
            {
                Embedding = Sharing.Level,
                Head = Sharing.Level,
                Levels = [new LevelOptions { Blocks = 2, Experts = 2 }, new LevelOptions { Blocks = 1, Experts = 3 }],
            },
            run.Topology.Shape);
        // Experts of their own, or equal ones would be computed once; trained ones, so that it shows in the losses which are taken.
        TaskResult first = await _bench.ExecuteAsync(new InitializeSpec(topology.Shape, 5));
        BlobHash[] experts = [run.Model!.Base.Parameters, run.Model.DenseModels.First().Parameters, Assert.Single(first.Outputs).Value];
        Dictionary<ModuleId, BlobHash> modules = [];
        foreach (ModuleDefinition module in topology.Modules)
        {
            modules[module.Id] = await _bench.ForkAsync(experts[module.Id.Name[^1] - '0'], module);
        }

        PathInput OwnPathOf(PathId path) => new(
            topology.Shape, ComputeType.Fp32,
            [.. topology.ModulesOf(path).Select(module => new ModuleInput(module.Id, module.Layout.Parts, modules[module.Id]))]);
        (ImmutableArray<BlobHash> losses, List<ScoreMetrics> parts) = await ScoreBranchesAsync(topology, OwnPathOf);
        TaskResult together = await ScoreTogetherAsync(topology, OwnPathOf);

        // A branch is an expert of the first level and the three of the second on top of it; in one tree these are 2 and 2 · 3.
        Assert.Equal([(4, 6), (4, 6)], parts.Select(part => (part.ModuleEvaluations, part.SeparateEvaluations)));
        Assert.Equal((8, 12), (Read<ScoreMetrics>(together).ModuleEvaluations, Read<ScoreMetrics>(together).SeparateEvaluations));
        LossMatrix matrix = await ReadAsync([together[ScoreSpec.Output]]);
        AssertEqual(matrix, await ReadAsync(losses));
        Assert.Equal(topology.Paths.AsEnumerable(), matrix.Paths);
        List<double> sums = [];
        for (int p = 0; p < matrix.Paths.Length; p++)
        {
            int column = p;
            EvaluationMetrics alone = Read<EvaluationMetrics>(await _bench.ExecuteAsync(new EvaluateSpec(
                OwnPathOf(matrix.Paths[p]), run.Model.Chunks, run.Model.Tokenizer, Split.Test, run.Sequences, HeldOutRank.All)));
            EvaluationMetrics found = RouterBounds.Routed(matrix, (_, _) => column);
            Assert.Equal(alone.Loss, found.Loss, 1e-6 * alone.Loss);
            Assert.Equal(alone.PrefixLoss, found.PrefixLoss, 1e-6 * alone.PrefixLoss);
            Assert.All(sums, other => Assert.True(Math.Abs(other - found.Loss) > 1e-5 * found.Loss));
            sums.Add(found.Loss);
        }
    }

    [Fact]
    public async Task Flops_AreThoseOfEveryPositionUnderEveryPath_LessWhatIsShared()
    {
        RunView run = reference.View;
        TransformerShape shape = run.Topology.Shape;
        using TokenCorpus corpus = TokenCorpus.Open([.. run.Model!.Chunks.Select(run.FileOf)]);
        EvaluationBatches batches = new(
            corpus, new SequenceOptions(run.Sequences.Length, run.Sequences.PrefixTokens), run.Sequences.MicroBatch, new int[corpus.VocabularySize]);
        double onePath = batches.Read([.. corpus.Documents(Split.Test)])
            .Sum(batch => (double)batch.Batch.Rows * batch.Batch.Length * shape.ForwardFlopsPerToken(batch.Batch.Length));

        TaskResult whole = await _bench.ExecuteAsync(Documents(0) with { Paths = [.. run.Topology.Paths.Select(path => new PathColumn(path, PathOf(path)))] });

        // The first block of every path is its own: only the look-up in the embedding is shared, which costs nothing.
        Assert.Equal(4 * onePath, TaskFlops.Of(whole), 1e-9 * onePath);
        double features = run.Entries.Where(entry => entry.Kind == "features").Sum(entry => TaskFlops.Of(new TaskResult(entry.Outputs, entry.Metrics)));
        double ofAToken = 3 * ((2.0 * shape.Width * (shape.QkvRows + (shape.Heads * shape.HeadWidth) + shape.UpRows + shape.FeedForward)) + (2.0 * shape.Heads * shape.HeadWidth * 8));
        Assert.Equal(240 * 8 * ofAToken, features, 1e-9 * features);
        Assert.True(TaskFlops.Of(new TaskResult(run.Only("router").Outputs, run.Only("router").Metrics)) > 0);
        Assert.Equal(0, TaskFlops.Of(new TaskResult(run.Only("shard").Outputs, run.Only("shard").Metrics)));
    }

    [Fact]
    public async Task TheRoutersPaths_AreBetweenTheBounds()
    {
        RunConfig config = reference.Runs.Config;
        using TestRuns runs = new();
        RunResults results = await runs.TrainAsync("run", config with
        {
            Recipe = config.Recipe with { Phases = 6, InnerSteps = 8 },
            Evaluation = config.Evaluation with { RouterBounds = true, DenseEqualSteps = false },
        });
        EvaluationResult again = await new RunEngine(TimeProvider.System).EvaluateAsync(
            runs.File("run"), [], new RunHost.SilentObserver(), TestContext.Current.CancellationToken);

        Assert.Equal(
            [ModelKind.Routed, ModelKind.DenseBase, ModelKind.RoutedRandom, ModelKind.RoutedOracle], results.Evaluation.Select(row => row.Kind));
        Assert.Single(results.Evaluation.Select(row => row.ScoredTokens).Distinct());
        Assert.True(results.Evaluation[3].Perplexity <= results.Evaluation[0].Perplexity);
        Assert.True(results.Evaluation[0].Perplexity < results.Evaluation[2].Perplexity);
        Assert.Equal(results.Evaluation[0].Steps, results.Evaluation[3].Steps);
        Assert.Equal(results.Evaluation[0].ParametersTotal, results.Evaluation[2].ParametersTotal);
        Assert.Equal(results.Evaluation, again.Evaluation);
        Assert.Empty((await runs.VerifyAsync("run")).Damaged);
    }

    private async Task<(ImmutableArray<BlobHash> Losses, List<ScoreMetrics> Parts)> ScoreBranchesAsync(ModelTopology topology, Func<PathId, PathInput> pathOf)
    {
        List<ScoreMetrics> parts = [];
        PathScorer scorer = new(topology, isParallel: false, async (spec, _) =>
        {
            TaskResult result = await _bench.ExecuteAsync(spec);
            parts.Add(Read<ScoreMetrics>(result));
            return result;
        });
        return (await scorer.RunAsync(pathOf, Documents(0), TestContext.Current.CancellationToken), parts);
    }

    private Task<TaskResult> ScoreTogetherAsync(ModelTopology topology, Func<PathId, PathInput> pathOf) =>
        _bench.ExecuteAsync(Documents(0) with { Paths = [.. topology.Paths.Select(path => new PathColumn(path, pathOf(path)))] });

    private Task<LossMatrix> ReadAsync(ImmutableArray<BlobHash> losses) =>
        LossMatrixCodec.ReadAllAsync(losses, _bench.Store, TestContext.Current.CancellationToken);

    private static void AssertEqual(LossMatrix expected, LossMatrix found)
    {
        Assert.Equal(expected.Paths, found.Paths);
        Assert.Equal(expected.Documents, found.Documents);
        Assert.Equal(expected.Cells, found.Cells);
        Assert.Equal(expected.Prefix, found.Prefix);
    }

    private async Task<LossMatrix> ScoreAsync(int cell)
    {
        PathScorer scorer = new(reference.View.Topology, isParallel: true, (spec, _) => _bench.ExecuteAsync(spec));
        return await ReadAsync(await scorer.RunAsync(PathOf, Documents(cell), TestContext.Current.CancellationToken));
    }

    private ScoreSpec Documents(int cell)
    {
        RunView run = reference.View;
        return new ScoreSpec([], run.Model!.Chunks, run.Model.Tokenizer, Split.Test, HeldOutRank.All, run.Sequences, cell);
    }

    private PathInput PathOf(PathId path)
    {
        RunView run = reference.View;
        return new PathInput(
            run.Topology.Shape, ComputeType.Fp32,
            [.. run.Topology.ModulesOf(path).Select(module => new ModuleInput(module.Id, module.Layout.Parts, run.Model!.Modules[module.Id.Name]))]);
    }

    private static T Read<T>(TaskResult result) => JsonSerializer.Deserialize<T>(result.Metrics, TaskJson.Options)!;
}
