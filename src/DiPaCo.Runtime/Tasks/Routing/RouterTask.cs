using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="RouterSpec"/>.</summary>
internal static class RouterTask
{
    public static (IRouter Router, RoutingMetrics Metrics) Execute(
        RouterSpec spec, RoutedDocuments documents, int prefixTokens, int threads, CancellationToken cancellationToken)
    {
        RoutingWork work = new();
        IRouter router = Fit(spec, documents, prefixTokens, threads, work, cancellationToken);
        return (router, new RoutingMetrics(work.Flops));
    }

    private static IRouter Fit(
        RouterSpec spec, RoutedDocuments documents, int prefixTokens, int threads, RoutingWork work, CancellationToken cancellationToken)
    {
        if (spec.Options.Method == RoutingMethod.Random)
        {
            return new RandomRouter(spec.Paths, spec.Seed);
        }

        RouterInput training = documents.Input.Select(documents.Usable(prefixTokens, entry => entry.Split == Split.Train));
        KMeansRouterOptions options = new()
        {
            Paths = spec.Paths,
            Grid = new PathGrid(spec.Experts, spec.Replicas),
            PrefixTokens = prefixTokens,
            Scaling = spec.Options.Scaling,
            Order = spec.Options.Placement,
            Clustering = new KMeansOptions
            {
                Clusters = spec.Paths.Length,
                Seed = spec.Seed,
                Restarts = spec.Options.Restarts,
                Iterations = spec.Options.Iterations,
                BatchRows = spec.Options.BatchRows,
                Threads = threads,
                Work = work,
            },
        };
        return spec.Options.Method switch
        {
            RoutingMethod.KMeans => KMeansRouterFit.Of(training.Features, options, cancellationToken).Router,
            RoutingMethod.ProductKMeans => ProductKMeansRouterFit.Of(training.Features, options, cancellationToken),
            RoutingMethod.ResidualKMeans => ResidualKMeansRouterFit.Of(training.Features, options, cancellationToken),
            RoutingMethod.BalancedKMeans => BalancedKMeansRouterFit.Of(training.Features, options, cancellationToken).Router,
            _ => throw new ArgumentException($"No router is fitted by {spec.Options.Method}.", nameof(spec)),
        };
    }
}
