using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>A hash chooses the path, so nobody looks at what a document is about.</summary>
public sealed class RandomRoutingTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task RandomRouting_ComputesNoFeatures_NeitherInTrainingNorInEvaluation()
    {
        RunConfig config = _runs.Config with { Routing = _runs.Config.Routing with { Method = RoutingMethod.Random } };
        string text = _runs.File("foreign.jsonl");
        await File.WriteAllLinesAsync(text, SmallCorpus.Lines(50, seed: 7));
        EventLog events = new();
        RunEngine engine = new(TimeProvider.System);

        RunResults results = await _runs.TrainAsync("run", config, events);
        EvaluationResult again = await engine.EvaluateAsync(_runs.File("run"), [], new SilentObserver(), CancellationToken.None);
        EvaluationResult foreign = await engine.EvaluateAsync(_runs.File("run"), [text], new SilentObserver(), CancellationToken.None);
        VerifyResult verified = await _runs.VerifyAsync("run");

        Assert.DoesNotContain(new RunView(_runs.File("run")).Entries, entry => entry.Kind == "features");
        Assert.DoesNotContain(events.Of<StageStarted>(), started => started.Stage == Stage.Features);
        Assert.Equal(results.Evaluation, again.Evaluation);
        Assert.Equal(50, foreign.Documents);
        Assert.Empty(verified.Damaged);
    }
}
