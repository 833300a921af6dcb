using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="RouterSpec"/>.</summary>
internal static class RouterTask
{
    public static IRouter Execute(RouterSpec spec, RoutedDocuments documents, int prefixTokens, int threads, CancellationToken cancellationToken)
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
            Clustering = new KMeansOptions
            {
                Clusters = spec.Paths.Length,
                Seed = spec.Seed,
                Restarts = spec.Options.Restarts,
                Iterations = spec.Options.Iterations,
                Threads = threads,
            },
        };
        return KMeansRouterFit.Of(training.Features, options, cancellationToken).Router;
    }
}
