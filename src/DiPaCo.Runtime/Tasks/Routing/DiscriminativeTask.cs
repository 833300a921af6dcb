using System.Collections.Immutable;
using DiPaCo.Core;
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
            ? [.. losses.Documents.Select((document, d) => new DocumentLabel(document.Id, spec.Paths[BestOf(losses, d)]))]
            : throw new DiPaCoException(
                $"The documents were scored under {losses.Paths.Length} paths ({string.Join(", ", losses.Paths.Take(8))}, …); all {spec.Paths.Length} paths of the topology were expected.");

    public static (IRouter Router, DiscriminativeMetrics Metrics) Execute(
        DiscriminativeSpec spec, RoutedDocuments documents, ImmutableArray<DocumentLabel> best, int threads, CancellationToken cancellationToken)
    {
        ImmutableArray<PathId> labels = [.. best.Select(label => label.Path)];
        RouterInput labelled = documents.Input.Select(documents.NumbersOf(best.Select(label => label.Document)));
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
