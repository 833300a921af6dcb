using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Runs;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Scoring each document under its candidates only, on the model of the small run.</summary>
public sealed class CandidateTests(ReferenceRun reference)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task TheLabel_IsTheBestOfTheRoutersCandidates_AsTheWholeGridHasThem(int candidates)
    {
        using CandidateLab lab = new(reference.View);
        LossMatrix whole = await lab.ScoreAllAsync();
        IRouter router = RouterCodec.Read(reference.View.FileOf(reference.View.Model!.Router));

        (CandidateLosses[] parts, CandidateMetrics cost) = await lab.ScoreCandidatesAsync(candidates);
        ImmutableArray<DocumentLabel> labels = CandidateLosses.Labels(parts, candidates);

        Assert.Equal(whole.Documents.Select(document => document.Id), labels.Select(label => label.Document));
        ImmutableArray<DocumentLabel> best = lab.Labels(whole);
        for (int d = 0; d < labels.Length; d++)
        {
            ImmutableArray<float> scores = router.ScoresOf(lab.Input, lab.NumberOf(labels[d].Document));
            int[] chosen = [.. Enumerable.Range(0, scores.Length).OrderByDescending(path => scores[path]).ThenBy(path => path).Take(candidates)];
            double[] naive = [.. Enumerable.Range(0, scores.Length).Select(path => lab.WholeLoss(whole, d, path))];
            CandidateLoss[] own = [.. parts.SelectMany(part => part.All).Where(loss => loss.Document == labels[d].Document)];
            Assert.Equal(chosen.Order(), own.Select(loss => loss.Path.Value).Order());
            Assert.All(own, loss => Assert.Equal(naive[loss.Path.Value], loss.Loss, 1e-5 * naive[loss.Path.Value]));

            // Losses of other batches differ in the last bits; no two paths of this model are that close.
            Assert.Equal(chosen.MinBy(path => naive[path]), labels[d].Path.Value);
            if (chosen.Contains(best[d].Path.Value))
            {
                Assert.Equal(best[d].Path, labels[d].Path);
            }

            double[] ascending = [.. chosen.Select(path => naive[path]).Order()];
            Assert.Equal(candidates == 1 ? 0 : ascending[1] - ascending[0], labels[d].Lead, 2e-5 * ascending[0]);
        }

        Assert.Equal((long)candidates * labels.Length, cost.Candidates);
        Assert.InRange(cost.ModuleEvaluations, 1, cost.SeparateEvaluations);
    }

    [Fact]
    public async Task WorkAndMemory_GrowWithTheCandidates_AndNotWithTheGrid()
    {
        using CandidateLab lab = new(reference.View);
        (_, CandidateMetrics one) = await lab.ScoreCandidatesAsync(1);

        (CandidateLosses[] parts, CandidateMetrics two) = await lab.ScoreCandidatesAsync(2);

        Assert.Equal(2 * one.SeparateEvaluations, two.SeparateEvaluations);

        // Nothing but the embedding is shared here, and a look-up costs nothing.
        Assert.True(one.Flops > 0);
        Assert.Equal(2 * one.Flops, two.Flops, 1e-9 * two.Flops);
        Assert.Equal(2 * one.Candidates, parts.Sum(part => part.All.Length));
    }

    [Fact]
    public async Task ARouterOfOtherPaths_IsRefused()
    {
        using CandidateLab lab = new(reference.View);

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(
            () => lab.RunAsync(lab.Spec([.. reference.View.Topology.Paths], 2) is var spec ? spec with { Paths = [spec.Paths[0] with { Path = new PathId(77) }] } : spec));

        Assert.Contains("it was fitted for another topology", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>What candidates cost on a real run: see docs/experiments.md. The run's folder is in DIPACO_TEST_RUN.</summary>
    [Fact]
    public async Task TheLabelsOfARun_ComparedWithThoseOfItsWholeGrid()
    {
        string? folder = Environment.GetEnvironmentVariable("DIPACO_TEST_RUN");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "No folder of a run in DIPACO_TEST_RUN.");
        using CandidateLab lab = new(new RunView(folder!));
        LossMatrix whole = await lab.ScoreAllAsync(Split.Router);
        ImmutableArray<DocumentLabel> best = lab.Labels(whole);
        long tokens = whole.Documents.Sum(document => (long)document.Tokens + document.PrefixTokens);
        for (int candidates = 1; candidates < whole.Paths.Length; candidates *= 2)
        {
            (CandidateLosses[] parts, CandidateMetrics cost) = await lab.ScoreCandidatesAsync(candidates, Split.Router);
            ImmutableArray<DocumentLabel> labels = CandidateLosses.Labels(parts, candidates);
            int equal = labels.Zip(best).Count(pair => pair.First == pair.Second);
            double lost = labels.Select((label, d) => lab.WholeLoss(whole, d, whole.Paths.IndexOf(label.Path)) - lab.WholeLoss(whole, d, whole.Paths.IndexOf(best[d].Path))).Sum();
            double random = whole.Documents.Select((_, d) => lab.BestOfASample(whole, d, candidates) - lab.WholeLoss(whole, d, whole.Paths.IndexOf(best[d].Path))).Sum();
            TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{candidates} of {whole.Paths.Length}: {labels.Length} documents, {(double)equal / labels.Length:P1} as the whole grid, {lost / tokens:F5} nats a token lost ({random / tokens:F5} by a random sample), {cost.ModuleEvaluations} of {cost.SeparateEvaluations} evaluations"));
        }

        (int byLevel, double lostByLevel) = lab.LevelByLevel(whole, best);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"level by level: {(double)byLevel / best.Length:P1}, {lostByLevel / tokens:F5} nats a token lost"));
    }
}
