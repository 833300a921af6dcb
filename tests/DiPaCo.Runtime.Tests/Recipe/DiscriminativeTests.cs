using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Rounds in which the router learns from the paths (paper §2.4.2).</summary>
public sealed class DiscriminativeTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task ARound_LabelsEachDocumentWithItsBestPath_AndShardsByTheClassifier()
    {
        await _runs.TrainAsync("run", Config(after: [1]));
        RunView run = new(_runs.File("run"));
        JournalEntry fitted = run.Only("discriminative-router");
        DiscriminativeMetrics metrics = JsonSerializer.Deserialize<DiscriminativeMetrics>(fitted.Metrics, TaskJson.Options)!;
        using TokenCorpus corpus = TokenCorpus.Open([.. run.Model!.Chunks.Select(run.FileOf)]);
        DocumentId[] documents = [.. corpus.Documents(Split.Router).Where(id => corpus[id].TokenCount > run.Config.Routing.PrefixTokens)];
        Assert.Equal(documents.Length, metrics.Documents);
        Assert.Equal(documents.Length, metrics.Labels.Sum());
        Assert.Equal(run.Topology.Paths.Length, metrics.Labels.Length);
        Assert.InRange(metrics.Agreement, 0.4, 1);

        // The second half of the run is trained, and evaluated, on the classifier's shards.
        Assert.Equal(fitted.Outputs[RouterSpec.Output], run.Model.Router);
        Assert.Equal("logistic", RouterCodec.Read(run.FileOf(run.Model.Router)).Kind);
        Assert.Equal(2, run.Entries.Count(entry => entry.Kind == "shard"));
        Assert.Equal(run.Model.Router, run.Entries.Last(entry => entry.Kind == "shard").Inputs[0]);
        Assert.True((await _runs.VerifyAsync("run")).IsSound);
    }

    [Fact]
    public async Task Labels_AreTheLowestLossesOfWholeDocuments()
    {
        ImmutableArray<PathId> paths = [new(0), new(1), new(2)];
        await _runs.TrainAsync("run", Config(after: []));
        RunView run = new(_runs.File("run"));
        using TokenCorpus corpus = TokenCorpus.Open([.. run.Model!.Chunks.Select(run.FileOf)]);
        using RoutedDocuments documents = RoutedDocuments.Of(corpus, [.. run.Model.Features.Select(run.FileOf)], CancellationToken.None);
        DocumentId[] scored = [.. corpus.Documents(Split.Router)];
        LossMatrix losses = new(paths, [.. scored.Select(id => new ScoredDocument(id, 5, 3, 10))], cell: 0);
        int[] expected = new int[3];
        List<double> leads = [];
        RandomStream random = new(1, "labels");
        for (int d = 0; d < scored.Length; d++)
        {
            double[] sums = new double[3];
            for (int p = 0; p < 3; p++)
            {
                // The prefix decides as much as the rest.
                losses.Prefix[(d * 3) + p] = (float)random.NextDouble();
                losses.Cells[(d * 3) + p] = (float)random.NextDouble();
                sums[p] = (double)losses.Prefix[(d * 3) + p] + losses.Cells[(d * 3) + p];
            }

            expected[Array.IndexOf(sums, sums.Min())]++;
            leads.Add(sums.Order().ElementAt(1) - sums.Min());
        }

        DiscriminativeSpec spec = new([], run.Model.Chunks, run.Model.Features, paths, 8, 1e-3);
        ImmutableArray<DocumentLabel> best = DiscriminativeTask.Labels(spec, losses);
        Assert.Equal(leads, best.Select(label => label.Lead), (one, other) => Math.Abs(one - other) < 1e-6);
        (IRouter router, DiscriminativeMetrics metrics) = DiscriminativeTask.Execute(spec, documents, best, null, 1, CancellationToken.None);

        Assert.Equal(expected, metrics.Labels);
        int[] training = documents.Usable(8, entry => entry.Split == Split.Train);
        int[] counts = new int[3];
        foreach (PathId path in router.Route(documents.Input.Select(training)))
        {
            counts[path.Value]++;
        }

        for (int p = 0; p < 3; p++)
        {
            double target = (double)expected[p] / scored.Length * training.Length;
            Assert.InRange(counts[p], target - (3 * Math.Sqrt(target)) - 2, target + (3 * Math.Sqrt(target)) + 2);
        }

        DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => DiscriminativeTask.Labels(spec with { Paths = run.Topology.Paths }, losses));
        Assert.Contains("scored under 3 paths", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rounds_CountAsRouting_FromThePhaseOnThatTheyLeadTo()
    {
        RunResults results = await _runs.TrainAsync("run", Config(after: [1]));

        RunView run = new(_runs.File("run"));
        double first = Flops("features") + Flops("router");
        double scoring = Flops("score");
        double fit = Flops("discriminative-router");
        Assert.True(first > 0 && scoring > first && fit > 0, $"{first}, {scoring} and {fit}");
        Assert.Equal(first + scoring + fit, results.Evaluation[0].RoutingFlops, 1e-9 * scoring);
        Assert.All(results.Evaluation.Where(row => row.Kind != ModelKind.Routed), row => Assert.Equal(0, row.RoutingFlops));
        Assert.Equal(first, results.Validation[0].RoutingFlops, 1e-9 * first);
        Assert.All(results.Validation.Skip(1), point => Assert.Equal(results.Evaluation[0].RoutingFlops, point.RoutingFlops));

        double Flops(string kind) => run.Entries.Where(entry => entry.Kind == kind).Sum(entry => TaskFlops.Of(new TaskResult(entry.Outputs, entry.Metrics)));
    }

    [Fact]
    public async Task ARound_AsksThePathsThatGoOn_NotThoseThatAreServed()
    {
        // The second phase ruins what the first has learned, so that early stopping serves the first one.
        RunConfig config = Config(after: [2]);
        config = config with
        {
            Recipe = config.Recipe with { Phases = 3, InnerSteps = 8, Stages = [new PhaseStage(1, 8, 0.01, 1), new PhaseStage(2, 8, 1.0, 0)], EarlyStopping = true },
        };
        await _runs.TrainAsync("plain", config with { Recipe = config.Recipe with { EarlyStopping = false } });
        Assert.True(await _runs.TrainUntilAsync("stopping", (_, runEvent) => runEvent is PhaseFinished { Phase.Value: 0 }, config));
        await _runs.TrainAsync("stopping", config);
        RunView plain = new(_runs.File("plain"));
        RunView stopping = new(_runs.File("stopping"));

        Assert.Contains(
            stopping.Entries.Where(entry => entry.Kind == "loss-difference"),
            entry => JsonSerializer.Deserialize<LossDifference>(entry.Metrics, TaskJson.Options)!.IsBeyond(1));
        Assert.Equal(plain.Model!.Router, stopping.Model!.Router);
        Assert.Equal(plain.Model.Modules, stopping.Model.Modules);
    }

    [Fact]
    public async Task Features_AreTheBaseModels_AlsoAfterARound()
    {
        await _runs.TrainAsync("run", Config(after: [1]));

        RunView run = new(_runs.File("run"));
        JournalEntry[] features = [.. run.Entries.Where(entry => entry.Kind == "features")];
        Assert.Equal(run.Model!.Chunks.Length, features.Length);
        Assert.All(features, entry => Assert.Equal([run.Model.Base.Parameters], entry.Inputs.Except(run.Model.Chunks)));
        JournalEntry[] readers = [.. run.Entries.Where(entry => entry.Kind is "router" or "shard" or "discriminative-router")];
        Assert.Equal(["router", "shard", "discriminative-router", "shard"], readers.Select(entry => entry.Kind));
        Assert.All(readers, entry => Assert.Equal(
            features.Select(made => made.Outputs[FeaturesSpec.Output]), entry.Inputs.Where(input => features.Any(made => made.Outputs[FeaturesSpec.Output] == input))));
    }

    [Fact]
    public async Task SeveralRounds_Resume_WithTheSameBytes()
    {
        RunConfig config = Config(after: [1, 2]);
        RunResults whole = await _runs.TrainAsync("whole", config);
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is StepMade { Phase.Value: 2 }, config));

        RunResults resumed = await _runs.TrainAsync("stopped", config);

        Assert.Equal(whole.ModelDigest, resumed.ModelDigest);
        Assert.Equal(_runs.Contents("whole"), _runs.Contents("stopped"));
        Assert.Equal(2, new RunView(_runs.File("whole")).Entries.Count(entry => entry.Kind == "discriminative-router"));
    }

    [Theory]
    [InlineData(DiscriminativePrior.Generative)]
    [InlineData(DiscriminativePrior.Previous)]
    [InlineData(DiscriminativePrior.None)]
    public async Task EveryRound_IsDrawnTowardsTheRouterThatIsAskedFor(DiscriminativePrior prior)
    {
        RunConfig config = Config(after: [1, 2]);
        await _runs.TrainAsync("run", config with { Discriminative = config.Discriminative with { Prior = prior, Weighting = DocumentWeighting.Regret } });

        RunView run = new(_runs.File("run"));
        BlobHash first = run.Only("router").Outputs[RouterSpec.Output];
        JournalEntry[] fitted = [.. run.Entries.Where(entry => entry.Kind == "discriminative-router")];
        BlobHash second = fitted[0].Outputs[RouterSpec.Output];
        Assert.Equal(prior != DiscriminativePrior.None, fitted[0].Inputs.Contains(first));
        Assert.Equal(prior == DiscriminativePrior.Generative, fitted[1].Inputs.Contains(first));
        Assert.Equal(prior == DiscriminativePrior.Previous, fitted[1].Inputs.Contains(second));
        Assert.All(fitted, entry => Assert.NotNull(JsonSerializer.Deserialize<DiscriminativeMetrics>(entry.Metrics, TaskJson.Options)!.HeldOutLoss));
    }

    [Fact]
    public async Task ARoundWithCandidates_LearnsFromTheBestOfThem_AndResumesWithTheSameBytes()
    {
        RunConfig config = Config(after: [1, 2], candidates: 2);
        RunResults whole = await _runs.TrainAsync("whole", config);
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is StepMade { Phase.Value: 2 }, config));

        RunResults resumed = await _runs.TrainAsync("stopped", config);

        Assert.Equal(whole.ModelDigest, resumed.ModelDigest);
        Assert.Equal(_runs.Contents("whole"), _runs.Contents("stopped"));
        RunView run = new(_runs.File("whole"));
        JournalEntry[] scored = [.. run.Entries.Where(entry => entry.Kind == "score-candidates")];
        JournalEntry[] fitted = [.. run.Entries.Where(entry => entry.Kind == "discriminative-router")];
        int branches = PathScorer.BranchesOf(run.Topology).Length;
        Assert.Equal(2 * branches, scored.Length);
        Assert.Equal(2, fitted.Length);
        Assert.DoesNotContain(run.Entries, entry => entry.Kind == "score");

        // The candidates of the first round are those of the first router, those of the second are the first round's.
        BlobHash first = run.Only("router").Outputs[RouterSpec.Output];
        Assert.All(scored[..branches], entry => Assert.Contains(first, entry.Inputs));
        Assert.All(scored[branches..], entry => Assert.Contains(fitted[0].Outputs[RouterSpec.Output], entry.Inputs));
        long candidates = scored[..branches].Sum(entry => JsonSerializer.Deserialize<CandidateMetrics>(entry.Metrics, TaskJson.Options)!.Candidates);
        DiscriminativeMetrics metrics = JsonSerializer.Deserialize<DiscriminativeMetrics>(fitted[0].Metrics, TaskJson.Options)!;
        Assert.Equal(2L * metrics.Documents, candidates);
        Assert.Equal(metrics.Documents, metrics.Labels.Sum());
        Assert.Equal("logistic", RouterCodec.Read(run.FileOf(run.Model!.Router)).Kind);
        Assert.True((await _runs.VerifyAsync("whole")).IsSound);
    }

    [Fact]
    public async Task AsManyCandidatesAsPaths_AreAllPaths_ByteForByte()
    {
        RunResults all = await _runs.TrainAsync("all", Config(after: [1]));

        RunResults four = await _runs.TrainAsync("four", Config(after: [1], candidates: 4));

        Assert.Equal(all.ModelDigest, four.ModelDigest);
        Assert.Equal(
            new RunView(_runs.File("all")).Only("discriminative-router").Outputs, new RunView(_runs.File("four")).Only("discriminative-router").Outputs);
    }

    [Fact]
    public async Task WithoutADocumentToLearnFrom_TheRunIsRefusedBeforeAnythingIsTrained()
    {
        EventLog events = new();
        RunConfig config = Config(after: [1]);
        config = config with { Data = config.Data with { RouterShare = 1e-9 } };

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run", config, events));

        Assert.StartsWith("No document of the router split is longer than the prefix of 8 tokens", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(events.Of<StepMade>());
        Assert.False(Directory.Exists(_runs.File("run")));
    }

    private RunConfig Config(ImmutableArray<int> after, int candidates = 0) => _runs.Config with
    {
        Data = _runs.Config.Data with { RouterShare = 0.2 },
        Recipe = _runs.Config.Recipe with { Phases = 3 },
        Discriminative = new DiscriminativeOptions { AfterPhases = after, Candidates = candidates },
        Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false },
    };
}
