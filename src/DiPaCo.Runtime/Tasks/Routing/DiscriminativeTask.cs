using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="DiscriminativeSpec"/>.</summary>
internal static class DiscriminativeTask
{
    /// <summary>The best path of each document, the lowest id among equals.</summary>
    /// <exception cref="DiPaCoException">The matrix is of other paths.</exception>
    public static ImmutableArray<DocumentLabel> Labels(DiscriminativeSpec spec, LossMatrix losses) =>
        losses.Paths.AsSpan().SequenceEqual(spec.Paths.AsSpan())
            ? [.. losses.Documents.Select((document, d) => LabelOf(spec, losses, document, d))]
            : throw new DiPaCoException(
                $"The documents were scored under {losses.Paths.Length} paths ({string.Join(", ", losses.Paths.Take(8))}, …); all {spec.Paths.Length} paths of the topology were expected.");

    public static (IRouter Router, DiscriminativeMetrics Metrics) Execute(
        DiscriminativeSpec spec, RoutedDocuments documents, ImmutableArray<DocumentLabel> best, IRouter? prior, int threads,
        CancellationToken cancellationToken)
    {
        ImmutableArray<PathId> labels = [.. best.Select(label => label.Path)];
        int[] numbers = documents.NumbersOf(best.Select(label => label.Document));
        RouterInput labelled = documents.Input.Select(numbers);
        RouterInput training = documents.Input.Select(documents.Usable(spec.PrefixTokens, entry => entry.Split == Split.Train));
        LogisticRouterOptions options = new()
        {
            Paths = spec.Paths,
            PrefixTokens = spec.PrefixTokens,
            L2 = spec.WeightPenalty,
            Folds = spec.Folds,
            Prior = prior,
            Calibration = spec.Calibration,
            Threads = threads,
        };
        LabelledRows rows = new(labelled.Features, labels)
        {
            Weights = [.. best.Select((label, i) => WeightOf(spec.Weighting, label, documents.Entries[numbers[i]]))],
            Origins = [.. labelled.Origins],
        };
        LogisticRouterFit fit = LogisticRouterFit.Of(rows, options, training.Features, cancellationToken);
        ImmutableArray<PathId> routed = fit.Router.Route(labelled, threads, cancellationToken);
        double agreement = routed.Zip(labels).Count(pair => pair.First == pair.Second) / (double)labels.Length;
        return (fit.Router, new DiscriminativeMetrics(labels.Length, fit.Labels, agreement, fit.Loss)
        {
            WeightPenalty = fit.L2,
            HeldOutLoss = fit.HeldOutLoss,
            PriorFactor = fit.PriorFactor,
            Flops = fit.Flops,
        });
    }

    private static double WeightOf(DocumentWeighting weighting, DocumentLabel label, DocumentEntry entry) => weighting switch
    {
        DocumentWeighting.Regret => label.Lead,
        DocumentWeighting.Tokens => entry.TokenCount,
        _ => 1,
    };

    /// <summary>The path under which the whole document is most likely, the lowest id among equals.</summary>
    private static DocumentLabel LabelOf(DiscriminativeSpec spec, LossMatrix losses, ScoredDocument document, int number)
    {
        Span<double> sums = new double[losses.Paths.Length];
        losses.SumOf(number, sums);
        ReadOnlySpan<float> prefix = losses.PrefixOf(number);
        int best = 0;
        double second = double.PositiveInfinity;
        for (int path = 0; path < sums.Length; path++)
        {
            sums[path] += prefix[path];
            if (path > 0)
            {
                second = Math.Min(second, Math.Max(sums[path], sums[best]));
                best = sums[path] < sums[best] ? path : best;
            }
        }

        return new DocumentLabel(document.Id, spec.Paths[best], sums.Length == 1 ? 0 : second - sums[best]);
    }
}
