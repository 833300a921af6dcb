using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="DiscriminativeSpec"/>.</summary>
internal static class DiscriminativeTask
{
    public static (IRouter Router, DiscriminativeMetrics Metrics) Execute(
        DiscriminativeSpec spec, RoutedDocuments documents, LossMatrix losses, int threads, CancellationToken cancellationToken)
    {
        if (!losses.Paths.AsSpan().SequenceEqual(spec.Paths.AsSpan()))
        {
            throw new DiPaCoException(
                $"The documents were scored under {losses.Paths.Length} paths ({string.Join(", ", losses.Paths.Take(8))}, …); all {spec.Paths.Length} paths of the topology were expected.");
        }

        Dictionary<DocumentId, int> numberOf = [];
        for (int i = 0; i < documents.Ids.Length; i++)
        {
            numberOf[documents.Ids[i]] = i;
        }

        int[] scored = [.. losses.Documents.Select(document => numberOf[document.Id])];
        ImmutableArray<PathId> labels = [.. Enumerable.Range(0, scored.Length).Select(document => spec.Paths[BestOf(losses, document)])];
        RouterInput labelled = documents.Input.Select(scored);
        RouterInput training = documents.Input.Select(documents.Usable(spec.PrefixTokens, entry => entry.Split == Split.Train));
        LogisticRouterOptions options = new() { Paths = spec.Paths, PrefixTokens = spec.PrefixTokens, L2 = spec.WeightPenalty, Threads = threads };
        LogisticRouterFit fit = LogisticRouterFit.Of(labelled.Features, labels, options, training.Features, cancellationToken);
        ImmutableArray<PathId> routed = fit.Router.Route(labelled, threads, cancellationToken);
        double agreement = routed.Zip(labels).Count(pair => pair.First == pair.Second) / (double)labels.Length;
        return (fit.Router, new DiscriminativeMetrics(labels.Length, fit.Labels, agreement, fit.Loss));
    }

    /// <summary>The path under which the whole document is most likely, the lowest id among equals.</summary>
    private static int BestOf(LossMatrix losses, int document)
    {
        Span<double> sums = new double[losses.Paths.Length];
        losses.SumOf(document, sums);
        ReadOnlySpan<float> prefix = losses.PrefixOf(document);
        int best = 0;
        for (int path = 0; path < sums.Length; path++)
        {
            sums[path] += prefix[path];
            best = sums[path] < sums[best] ? path : best;
        }

        return best;
    }
}
