using System.Diagnostics;
using System.Text.Json;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>
/// What the result of each kind of task has: these outputs and no others, and metrics of its kind. The recipe relies on it, so a result of another form must not
/// get as far: there it would look like a bug of the program, and its worker would go on.
/// </summary>
internal static class ResultForm
{
    private const int MostShown = 200;

    /// <summary>What is wrong with a result, for people; null: its form is right.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="outputs">The names of its outputs.</param>
    /// <param name="metrics">What it reports.</param>
    public static string? ObjectionTo(TaskSpec spec, IEnumerable<string> outputs, string metrics)
    {
        string[] found = [.. outputs];
        try
        {
            return spec switch
            {
                InitializeSpec or ForkSpec => Has(found, OuterSpec.ModuleOutput),
                TrainSpec train => Has(found, [.. train.Model.Modules.Select(module => module.Id.Name), TrainSpec.OptimizerOutput])
                    ?? Reports<TrainMetrics>(metrics, $"finite sums over {train.Steps} steps", sums => sums.Steps == train.Steps && AreSound(sums)),
                SynchronousSpec synchronous => Has(found, [.. synchronous.Modules.Select(module => module.Id.Name), TrainSpec.OptimizerOutput])
                    ?? Reports<TrainMetrics>(metrics, "finite sums", AreSound),
                FoldSpec fold => Has(found, FoldSpec.SumsOutput)
                    ?? Reports<FoldMetrics>(metrics, $"the squares of {fold.Contributions.Length} norms", norms => norms.DeltaSquares.Length == fold.Contributions.Length),
                OuterSpec outer => Has(found, OutputsOf(outer)) ?? Reports<OuterMetrics>(metrics, "norms"),
                FeaturesSpec => Has(found, FeaturesSpec.Output) ?? Reports<RoutingMetrics>(metrics, "a number of operations", routing => double.IsFinite(routing.Flops)),
                RouterSpec => Has(found, RouterSpec.Output) ?? Reports<RoutingMetrics>(metrics, "a number of operations", routing => double.IsFinite(routing.Flops)),
                DiscriminativeSpec discriminative => Has(found, RouterSpec.Output)
                    ?? Reports<DiscriminativeMetrics>(
                        metrics, $"labels for {discriminative.Paths.Length} paths", fit => fit.Labels.Length == discriminative.Paths.Length && double.IsFinite(fit.Flops)),
                ShardSpec shard => Reports<ShardMetrics>(metrics, $"shards of {shard.Paths.Length} paths", shards => AreSound(shards, shard))
                    ?? Has(found, OutputsOf(Read<ShardMetrics>(metrics)!, found.Length)),
                ScoreSpec => Has(found, ScoreSpec.Output) ?? Reports<ScoreMetrics>(metrics, "numbers of documents and tokens", score => double.IsFinite(score.Flops)),
                CandidateSpec => Has(found, CandidateSpec.Output) ?? Reports<CandidateMetrics>(metrics, "numbers of documents and candidates", score => double.IsFinite(score.Flops)),
                TokenRouterSpec => Has(found, TokenRouterSpec.Output) ?? Reports<TrainMetrics>(metrics, "finite sums", AreSound),
                HeldOutSpec => Has(found) ?? Reports<HeldOutMetrics>(metrics, "documents and their last rank"),
                EvaluateSpec => Has(found) ?? Reports<EvaluationMetrics>(metrics, "finite sums of losses", scored => scored.AreSound()),
                LossDifferenceSpec => Has(found) ?? Reports<LossDifference>(metrics, "a mean difference"),
                RouterBoundsSpec => Has(found) ?? Reports<RouterBoundsMetrics>(metrics, "two finite sums of losses", bounds => bounds is { Random: { } random, Oracle: { } oracle } && random.AreSound() && oracle.AreSound()),
                RerouteSpec reroute => Has(found) ?? Reports<RerouteMetrics>(
                    metrics, $"finite sums of losses of {reroute.Windows.Length} windows",
                    rerouted => rerouted.Windows.Length == reroute.Windows.Length && rerouted.Windows.All(window => window is { Scored: { } scored } && scored.AreSound())),
                SampleSpec sample => Has(found) ?? Reports<SampleMetrics>(
                    metrics, $"at most {sample.Tokens} tokens", sampled => sampled.Tokens.Length <= sample.Tokens),
                TopicsSpec topics => Has(found) ?? Reports<TopicsMetrics>(
                    metrics, $"topics of {topics.Shards.Length} shards",
                    told => told.Shards.Length == topics.Shards.Length && told.Shards.All(shard => shard is not null)),
                DriftSpec { Modules.Length: var n } => Has(found) ?? Reports<DriftMetrics>(
                    metrics, $"distances of {n} modules", drift => drift.FromBase.Length == n && drift.Distance.Length == n * n && drift.Cosine.Length == n * n),
                _ => throw new UnreachableException($"Nobody has said what the result of a task of kind '{spec.Kind}' has."),
            };
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException or ArgumentException or FormatException or InvalidOperationException)
        {
            return $"What it reports is no JSON of such a task: {exception.Message}";
        }
    }

    private static string? Has(string[] found, params IEnumerable<string> wanted)
    {
        string[] expected = [.. wanted.Order(StringComparer.Ordinal)];
        return expected.SequenceEqual(found.Order(StringComparer.Ordinal)) ? null
            : $"It has the outputs {Shown(string.Join(", ", found))}; expected: {(expected.Length > 0 ? Shown(string.Join(", ", expected)) : "none")}.";
    }

    private static string? Reports<T>(string metrics, string expected, Func<T, bool>? isSound = null)
        where T : class =>
        Read<T>(metrics) is { } found && isSound?.Invoke(found) != false ? null : $"It reports {Shown(metrics)}; {expected} were expected.";

    private static T? Read<T>(string metrics)
        where T : class => JsonSerializer.Deserialize<T>(metrics, TaskJson.Options);

    private static string Shown(string text) => text.Length > MostShown ? $"{text.AsSpan(0, MostShown)}…" : text;

    private static bool AreSound(TrainMetrics sums) => double.IsFinite(sums.LossSum) && double.IsFinite(sums.Flops) && sums.Tokens >= 0;

    private static bool AreSound(ShardMetrics shards, ShardSpec spec) =>
        shards.Paths.All(size => size is { Chunks: >= 0 }) && shards.Paths.Select(size => size.Path).SequenceEqual(spec.Paths);

    private static IEnumerable<string> OutputsOf(OuterSpec spec)
    {
        yield return OuterSpec.ModuleOutput;
        yield return OuterSpec.MomentumOutput;
        if (spec.Download != DownloadCodec.Fp32)
        {
            yield return OuterSpec.PublishedOutput;
        }

        if (spec.Download.IsDelta())
        {
            yield return OuterSpec.PublishedDeltaOutput;
        }
    }

    /// <summary>No more than can be right, whatever number of chunks is claimed.</summary>
    private static IEnumerable<string> OutputsOf(ShardMetrics shards, int most) =>
        shards.Paths.SelectMany(size => Enumerable.Range(0, size.Chunks).Select(chunk => ShardSpec.Output(size.Path, chunk))).Take(most + 1);
}
