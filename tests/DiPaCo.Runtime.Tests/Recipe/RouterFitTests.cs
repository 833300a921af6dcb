using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using DiPaCo.Runtime.Tests.Tasks;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>What each way to fit a discriminative router is worth on a real run, before anything is trained on its shards.</summary>
public sealed class RouterFitTests
{
    private const int MostLearned = 1000;
    private const int MostHeldOut = 300;

    /// <summary>The run's folder is in DIPACO_TEST_RUN; a run that was stopped after a phase will do. See docs/experiments.md.</summary>
    [Fact]
    public async Task TheFitsOfARun_ComparedOnHeldOutDocuments()
    {
        string? folder = Environment.GetEnvironmentVariable("DIPACO_TEST_RUN");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "No folder of a run in DIPACO_TEST_RUN.");
        using CandidateLab lab = new(new RunView(folder!));
        LossMatrix learned = await lab.ScoreAllAsync(Split.Router, MostLearned);
        LossMatrix[] heldOut = [await lab.ScoreAllAsync(Split.Test, MostHeldOut), await lab.ScoreAllAsync(Split.Validation, MostHeldOut)];
        ImmutableArray<DocumentLabel> labels = lab.Labels(learned);
        Write($"{labels.Length} documents learned from, {heldOut.Sum(matrix => matrix.Documents.Length)} held out");
        Write($"the run's own router: perplexity {Perplexity(lab, heldOut, lab.Router):F2}; the best path: {Perplexity(lab, heldOut, null):F2}");
        DiscriminativeSpec plain = new([], [], [], learned.Paths, lab.Router.PrefixTokens, 1e-3) { Calibration = BiasCalibration.Labels };
        Compare("as in the paper, λ = 0.001", plain, null);
        foreach (IRouter? prior in new[] { null, lab.Router })
        {
            foreach (DocumentWeighting weighting in Enum.GetValues<DocumentWeighting>())
            {
                foreach (BiasCalibration calibration in Enum.GetValues<BiasCalibration>())
                {
                    Compare(
                        $"prior {(prior is null ? "none" : prior.Kind)}, {weighting}, {calibration}",
                        plain with { WeightPenalty = null, Weighting = weighting, Calibration = calibration }, prior);
                }
            }
        }

        void Compare(string name, DiscriminativeSpec spec, IRouter? prior)
        {
            (IRouter router, DiscriminativeMetrics metrics) = DiscriminativeTask.Execute(spec, lab.Documents, labels, prior, 1, TestContext.Current.CancellationToken);
            int[] sizes = Sizes(lab, router);
            Write($"{name}: λ {metrics.WeightPenalty:G2}, prior × {metrics.PriorFactor:F2}, held-out loss {metrics.HeldOutLoss:F3}, agreement {metrics.Agreement:P0}, {metrics.Flops:G3} FLOPs, training shards {sizes.Min()} to {sizes.Max()}, perplexity {Perplexity(lab, heldOut, router):F2}");
        }
    }

    private static int[] Sizes(CandidateLab lab, IRouter router)
    {
        int[] training = lab.Documents.Usable(router.PrefixTokens, entry => entry.Split == Split.Train);
        ImmutableArray<PathId> routed = router.Route(lab.Input.Select(training));
        return [.. router.Paths.Select(path => routed.Count(one => one == path))];
    }

    /// <summary>Of the text behind the prefix, each document under the router's path; without a router under its best one.</summary>
    private static double Perplexity(CandidateLab lab, LossMatrix[] heldOut, IRouter? router)
    {
        double nats = 0;
        long tokens = 0;
        foreach (LossMatrix losses in heldOut)
        {
            int[] numbers = lab.Documents.NumbersOf(losses.Documents.Select(document => document.Id));
            ImmutableArray<PathId>? routed = router?.Route(lab.Input.Select(numbers));
            double[] sums = new double[losses.Paths.Length];
            for (int d = 0; d < losses.Documents.Length; d++)
            {
                losses.SumOf(d, sums);
                nats += routed is { } paths ? sums[losses.ColumnOf(paths[d])] : sums.Min();
                tokens += losses.Documents[d].Tokens;
            }
        }

        return Math.Exp(nats / tokens);
    }

    private static void Write(FormattableString line) => TestContext.Current.TestOutputHelper!.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
