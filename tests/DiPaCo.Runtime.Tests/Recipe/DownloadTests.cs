using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Runs whose paths train from published versions of their modules instead of the masters.</summary>
public sealed class DownloadTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Theory]
    [InlineData(DownloadCodec.Bf16, DeltaCodec.Fp32, 2)]
    [InlineData(DownloadCodec.Int8, DeltaCodec.Int8, 3.8)]
    [InlineData(DownloadCodec.Int4, DeltaCodec.Fp32, 7)]
    public async Task ARunThatPublishes_FetchesLess_LearnsAsWell_AndSurvivesBeingStopped(DownloadCodec download, DeltaCodec codec, double times)
    {
        RunConfig config = Config(download, codec);
        RunResults exact = await _runs.TrainAsync("exact", Config(DownloadCodec.Fp32, DeltaCodec.Fp32));
        RunResults whole = await _runs.TrainAsync("whole", config);
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, seen) => seen is PhaseFinished { Phase.Value: 1 }, config));

        RunResults resumed = await _runs.TrainAsync("stopped", config);

        Assert.Equal(whole.ModelDigest, resumed.ModelDigest);
        Assert.Equal(_runs.Contents("whole"), _runs.Contents("stopped"));
        Assert.NotEqual(exact.ModelDigest, whole.ModelDigest);
        Assert.InRange(whole.Evaluation[0].Perplexity / exact.Evaluation[0].Perplexity, 0.98, 1.02);
        Assert.Empty((await _runs.VerifyAsync("whole")).Damaged);
        RunView run = new(_runs.File("whole"));
        JournalEntry[] publishing = [.. run.Entries.Where(entry => entry.Outputs.ContainsKey(OuterSpec.PublishedOutput))];
        Assert.Equal(run.Topology.Modules.Length * (config.Recipe.Phases - 1), publishing.Length);
        long parameters = (config.Recipe.Phases - 1) * run.Topology.Modules.Sum(module => module.Layout.Parameters);
        double bytes = publishing.Sum(entry => JsonSerializer.Deserialize<OuterMetrics>(entry.Metrics, TaskJson.Options)!.PublishedBytes!.Value);
        Assert.InRange(4.0 * parameters / bytes, times, times * 1.05);

        // Nobody will train from them any more.
        Assert.DoesNotContain(publishing.SelectMany(PublishedBy), run.Expected.Contains);
        Assert.DoesNotContain(new RunView(_runs.File("exact")).Entries, entry => entry.Outputs.ContainsKey(OuterSpec.PublishedOutput));
    }

    [Fact]
    public async Task PathsTrainFromWhatIsPublished_AndEverythingElseReadsTheMaster()
    {
        await _runs.TrainAsync("run", Config(DownloadCodec.Int8, DeltaCodec.Fp32));

        RunView run = new(_runs.File("run"));
        HashSet<BlobHash> published = [.. run.Entries.Where(entry => entry.Kind == "outer").SelectMany(PublishedBy)];
        HashSet<BlobHash> masters = [.. run.Entries.Where(entry => entry.Kind == "outer").Select(entry => entry.Outputs[OuterSpec.ModuleOutput])];
        JournalEntry[] reading = [.. run.Entries.Where(entry => entry.Kind != "release" && entry.Inputs.Any(published.Contains))];
        Assert.Equal(["outer", "train"], reading.Select(entry => entry.Kind).Distinct().Order(StringComparer.Ordinal));
        Assert.DoesNotContain(run.Entries, entry => entry.Kind == "train" && entry.Inputs.Any(masters.Contains));
        Assert.All(run.Model!.Modules.Values, blob => Assert.Contains(blob, masters));
    }

    [Theory]
    [InlineData(DownloadCodec.Bf16, DeltaCodec.Fp32)]
    [InlineData(DownloadCodec.Int8, DeltaCodec.Int8)]
    public async Task FoldingContributions_ChangesNothing(DownloadCodec download, DeltaCodec codec)
    {
        RunConfig config = Config(download, codec);

        RunResults whole = await _runs.TrainAsync("whole", config);
        RunResults folded = await _runs.TrainAsync("folded", config with { Outer = config.Outer with { FoldPaths = 1 } });

        Assert.Equal(whole.ModelDigest, folded.ModelDigest);
        Assert.Contains(new RunView(_runs.File("folded")).Entries, entry => entry.Kind == "fold");
    }

    [Fact]
    public async Task ModulesWithoutAnOuterStep_StayAsTheyAre()
    {
        RunConfig config = Config(DownloadCodec.Int8, DeltaCodec.Fp32);

        await _runs.TrainAsync("run", config with { Outer = config.Outer with { PrivateModules = false } });

        RunView run = new(_runs.File("run"));
        string adopted = run.Topology.Modules.First(module => module.Paths.Length == 1).Id.Name;
        BlobHash[] ends = [.. run.Entries.Where(entry => entry.Kind == "train" && entry.Outputs.ContainsKey(adopted)).Select(entry => entry.Outputs[adopted])];
        Assert.Equal(run.Model!.Modules[adopted], ends[^1]);
        Assert.All(ends[..^1], end => Assert.Contains(run.Entries, entry => entry.Kind == "train" && entry.Inputs.Contains(end)));
    }

    [Theory]
    [InlineData(OuterSpec.PublishedOutput)]
    [InlineData(OuterSpec.PublishedDeltaOutput)]
    public async Task ADamagedPublication_IsFoundAndMadeAgain(string output)
    {
        RunConfig config = Config(DownloadCodec.Int8, DeltaCodec.Fp32);
        RunResults whole = await _runs.TrainAsync("whole", config);
        Assert.True(await _runs.TrainUntilAsync("damaged", (_, seen) => seen is PhaseFinished { Phase.Value: 1 }, config));
        RunView run = new(_runs.File("damaged"));
        BlobHash blob = run.Entries.Where(entry => entry.Outputs.ContainsKey(output)).Select(entry => entry.Outputs[output]).Last(run.Expected.Contains);
        File.WriteAllText(run.FileOf(blob), "something else");

        Assert.Contains(output, Assert.Single((await _runs.VerifyAsync("damaged")).Damaged).What, StringComparison.Ordinal);
        await _runs.VerifyAsync("damaged", repair: true);
        RunResults repaired = await _runs.TrainAsync("damaged", config);

        Assert.Equal(whole.ModelDigest, repaired.ModelDigest);
        Assert.Empty((await _runs.VerifyAsync("damaged")).Damaged);
    }

    [Fact]
    public async Task PathsThatTakeTurns_AndNewShards_LeadToTheSameBytesAfterAnyStop()
    {
        RunConfig config = Config(DownloadCodec.Int4, DeltaCodec.Int8);
        config = config with
        {
            Recipe = config.Recipe with { Phases = 4, PathsPerPhase = 1 },
            Discriminative = config.Discriminative with { AfterPhases = [2] },
            Data = config.Data with { RouterShare = 0.2 },
        };
        RunResults whole = await _runs.TrainAsync("whole", config);
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, seen) => seen is PhaseFinished { Phase.Value: 2 }, config));

        RunResults resumed = await _runs.TrainAsync("stopped", config);

        Assert.Equal(whole.ModelDigest, resumed.ModelDigest);
        Assert.Equal(_runs.Contents("whole"), _runs.Contents("stopped"));
    }

    private static IEnumerable<BlobHash> PublishedBy(JournalEntry entry) => entry.Outputs
        .Where(output => output.Key is OuterSpec.PublishedOutput or OuterSpec.PublishedDeltaOutput).Select(output => output.Value);

    private RunConfig Config(DownloadCodec download, DeltaCodec codec) => _runs.Config with
    {
        Recipe = _runs.Config.Recipe with { Phases = 3 },
        Outer = _runs.Config.Outer with { Download = download, Codec = codec },
        Evaluation = _runs.Config.Evaluation with { DenseEqualSteps = false },
    };
}
