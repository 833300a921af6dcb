using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>A whole run whose test documents are re-routed.</summary>
public sealed class ReroutingTests : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public async Task EveryRouterAndWindow_HasARow_AndARunGoesOnFromAnyOfThem()
    {
        RunConfig config = _runs.Config with
        {
            Data = _runs.Config.Data with { RouterShare = 0.1 },
            Evaluation = _runs.Config.Evaluation with
            {
                DenseEqualSteps = false, RouterBounds = true, RerouteWindows = [16, 1 << 20], TokenRouterSteps = 5, MaxDocuments = 20,
            },
        };

        RunResults results = await _runs.TrainAsync("run", config);

        EvaluationRow routed = results.Evaluation[0];
        EvaluationRow[] rerouted = [.. results.Evaluation.Where(row => row.Kind == ModelKind.Rerouted)];
        Assert.Equal(
            ["DiPaCo 2×2 + path-private, re-routed every 16 by the prefix router", "DiPaCo 2×2 + path-private, re-routed every 1048576 by the prefix router",
             "DiPaCo 2×2 + path-private, re-routed every 16 by the token router", "DiPaCo 2×2 + path-private, re-routed every 1048576 by the token router"],
            rerouted.Select(row => row.Model));
        Assert.Single(results.Evaluation.Select(row => row.ScoredTokens).Distinct());
        foreach (EvaluationRow once in new[] { rerouted[1], rerouted[3] })
        {
            Assert.Equal(0, once.SwitchShare);
            Assert.Equal(routed.Perplexity, once.Perplexity, 1e-5 * routed.Perplexity);
            Assert.Equal(routed.PerplexityWithPrefix, once.PerplexityWithPrefix, 1e-5 * routed.PerplexityWithPrefix);
            Assert.Equal(routed.BitsPerByte, once.BitsPerByte, 1e-5 * routed.BitsPerByte);
        }

        Assert.InRange(rerouted[0].SwitchShare!.Value, 0, 1);
        Assert.InRange(rerouted[2].SwitchShare!.Value, 0, 1);
        Assert.Empty((await _runs.VerifyAsync("run")).Damaged);

        // Stopped in its evaluation and taken up again, the run says the same.
        Assert.True(await _runs.TrainUntilAsync("stopped", (_, runEvent) => runEvent is RunNote note && note.Text.StartsWith("Scoring", StringComparison.Ordinal), config));
        RunResults resumed = await _runs.TrainAsync("stopped", config);
        Assert.Equal(results.Evaluation, resumed.Evaluation);
        Assert.Equal(_runs.Contents("run"), _runs.Contents("stopped"));
    }
}
