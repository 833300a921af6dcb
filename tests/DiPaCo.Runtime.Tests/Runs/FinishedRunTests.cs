using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tests.Storage;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

public sealed class FinishedRunTests(ReferenceRun reference) : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task TrainingAFinishedRun_ReturnsItsResultsAtOnce_AlsoWithoutItsCorpus()
    {
        EventLog events = new();
        RecordedSteps steps = new();
        File.Delete(_runs.Corpus);

        RunResults results = await new RunEngine(TimeProvider.System, steps).TrainAsync(
            reference.Runs.Loaded, reference.Folder, events, CancellationToken.None);

        Assert.Equal(reference.Results.ModelDigest, results.ModelDigest);
        Assert.Equal(reference.Results.Evaluation, results.Evaluation);
        Assert.Empty(events.Events);
        Assert.Empty(steps.Done);
    }

    [Fact]
    public async Task Digest_IsTheSameInResultsStatusVerifyAndModelFile()
    {
        RunStatus status = await RunEngine.StatusAsync(reference.Folder, CancellationToken.None);
        EventLog events = new();
        VerifyResult verified = await new RunEngine(TimeProvider.System).VerifyAsync(reference.Folder, false, events, CancellationToken.None);

        Assert.Equal((RunState.Finished, 2, 2, null), (status.State, status.PhasesDone, status.Phases, status.Stage));
        Assert.Equal(reference.Results.ModelDigest, status.ModelDigest);
        Assert.Equal(reference.Results.ModelDigest, verified.ModelDigest);
        Assert.Empty(verified.Damaged);
        Assert.Equal(reference.View.Expected.Count, verified.Blobs);
        Assert.Equal(verified.Blobs, events.Of<StageStarted>().Single().Units);
        Assert.Equal(verified.Blobs, events.Of<StageAdvanced>().Last().Done);

        // By hand: SHA-256 over "module id, space, blob hash, line feed" in ordinal order of the ids.
        string list = string.Concat(reference.View.Model!.Modules.OrderBy(module => module.Key, StringComparer.Ordinal)
            .Select(module => $"{module.Key} {module.Value.Hex}\n"));
        Assert.Equal(BlobHash.Of(System.Text.Encoding.UTF8.GetBytes(list)).Hex, reference.Results.ModelDigest);
    }

    [Fact]
    public async Task ChangedConfiguration_IsRefused_WithTheKeysThatDiffer()
    {
        RunConfig changed = _runs.Config with
        {
            Seed = 7,
            Recipe = _runs.Config.Recipe with { InnerSteps = 5 },
            Outer = _runs.Config.Outer with { Momentum = 0.5 },
        };

        ConfigurationChangedException refusal = await Assert.ThrowsAsync<ConfigurationChangedException>(() =>
            reference.Runs.TrainAsync("reference", changed));

        Assert.Equal(["seed", "recipe.inner_steps", "outer.momentum"], refusal.Differences.Select(difference => difference.Key));
        Assert.Contains("seed: 1 in the run, 7 now", refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Nothing has been trained", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeviceAndThreads_MayChange()
    {
        RunResults results = await reference.Runs.TrainAsync("reference", reference.Runs.Config with { Threads = 9, Device = "auto" });

        Assert.Equal(reference.Results.ModelDigest, results.ModelDigest);
    }

    [Fact]
    public void Results_HoldWhatAReportNeeds()
    {
        RunResults results = reference.Results;

        Assert.Equal("small", results.Name);
        Assert.Equal(240, results.Corpus.Documents);
        Assert.Equal(new FileInfo(reference.Runs.Corpus).Length, results.Corpus.Bytes, 30_000.0);
        Assert.Equal(
            results.Corpus.Documents,
            results.Corpus.TrainDocuments + results.Corpus.ValidationDocuments + results.Corpus.TestDocuments + results.Corpus.RouterDocuments);
        Assert.Equal(results.Corpus.TrainDocuments, results.Shards.Sum(shard => shard.Documents));
        Assert.Equal(new ModelSummary(4, 9, results.Evaluation[0].ParametersPerPath, results.Evaluation[0].ParametersTotal), results.Model);
        Assert.Equal(["DiPaCo 2×2 + path-private", "dense, equal steps", "dense, base before the fork"], results.Evaluation.Select(row => row.Model));
        Assert.Equal([ModelKind.Routed, ModelKind.DenseEqualSteps, ModelKind.DenseBase], results.Evaluation.Select(row => row.Kind));
        Assert.Equal([8, 8, 4], results.Evaluation.Select(row => row.Steps));
        Assert.Single(results.Evaluation.Select(row => row.ScoredTokens).Distinct());
        Assert.Equal([1, 2], results.Validation.Select(validation => validation.Phase.Value + 1));
        Assert.Equal(reference.View.Topology.Modules.Length * 2, results.OuterGradients.Length);
        Assert.All(results.OuterGradients.Where(gradient => gradient.Paths > 1), gradient => Assert.InRange(gradient.Cosine!.Value, -1, 1));
        Assert.All(results.OuterGradients.Where(gradient => gradient.Paths == 1), gradient => Assert.Null(gradient.Cosine));
        Assert.All(results.OuterGradients, gradient => Assert.InRange(gradient.Norm, 1e-6, 1e3));
        Assert.InRange(results.Samples.Length, 2, 4);
        Assert.All(results.Evaluation, row => Assert.InRange(row.Perplexity, 2, 320));
    }

    [Fact]
    public async Task DamagedResults_AreRefused_AndWrittenAnewOnceDeleted()
    {
        await _runs.TrainAsync("run");
        string file = _runs.File(Path.Combine("run", ResultsFile.FileName));
        await File.WriteAllTextAsync(file, "{ \"name\": ");

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() => _runs.TrainAsync("run"));
        File.Delete(file);
        RunResults results = await _runs.TrainAsync("run");

        Assert.Contains(file, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Delete it", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(reference.Results.Evaluation, results.Evaluation);
        Assert.Equal(reference.Contents, _runs.Contents("run"));
    }
}
