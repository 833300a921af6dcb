using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Routing;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Runs;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>What a run does to features before it clusters them, on the features of the small run.</summary>
public sealed class RouterScalingTests(ReferenceRun reference) : IDisposable
{
    private readonly Workbench _bench = new(reference.View);

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(RoutingMethod.KMeans)]
    [InlineData(RoutingMethod.ProductKMeans)]
    [InlineData(RoutingMethod.ResidualKMeans)]
    [InlineData(RoutingMethod.BalancedKMeans)]
    public async Task UnscaledFeatures_AreClusteredAsTheyAre_AndStandardisedOnesDimensionByDimension(RoutingMethod method)
    {
        double[][] features = Training();
        double[] means = [.. Enumerable.Range(0, features[0].Length).Select(dimension => features.Average(row => row[dimension]))];
        double[] deviations = [.. means.Select((mean, dimension) => Math.Sqrt(features.Average(row => Math.Pow(row[dimension] - mean, 2))))];

        FeatureTransform none = TransformOf(await FitAsync(method, FeatureScaling.None));
        FeatureTransform standardized = TransformOf(await FitAsync(method, FeatureScaling.Standardized));

        // Whatever is subtracted moves all features and all centroids alike.
        Assert.All(none.Scale.ToArray(), scale => Assert.Equal(1f, scale));
        Assert.Equal(means, none.Shift.ToArray().Select(shift => (double)shift), (one, other) => Math.Abs(one - other) < 1e-5);
        Assert.Equal(deviations, standardized.Scale.ToArray().Select(scale => 1.0 / scale), (one, other) => Math.Abs(one - other) < 1e-3 * one);
    }

    [Fact]
    public async Task WithoutScaling_ADocumentsPath_IsTheNearestCentroidOfTheRawFeatures()
    {
        double[][] features = Training();
        KMeansRouter router = (KMeansRouter)await FitAsync(RoutingMethod.KMeans, FeatureScaling.None);
        double[][] centroids = [.. Enumerable.Range(0, router.Centroids.Rows).Select(cluster =>
            (double[])[.. router.Centroids.Row(cluster).ToArray().Select((value, dimension) => (double)value + router.Transform.Shift[dimension])])];
        int[] nearest = [.. features.Select(row => Enumerable.Range(0, centroids.Length).MinBy(cluster => centroids[cluster].Zip(row, (c, x) => (c - x) * (c - x)).Sum()))];

        IRouter scaled = await FitAsync(RoutingMethod.KMeans, FeatureScaling.Standardized);

        Assert.Equal(nearest, Routed(router));
        Assert.NotEqual(nearest, Routed(scaled));
    }

    private int[] Routed(IRouter router)
    {
        using Documents documents = new(reference.View);
        return [.. router.Route(documents.Training).Select(path => path.Value)];
    }

    private double[][] Training()
    {
        using Documents documents = new(reference.View);
        IFeatureSource features = documents.Training.Features;
        float[] row = new float[features.Width];
        return [.. Enumerable.Range(0, features.Rows).Select(number => (double[])[.. features.Read(number, 1, row).ToArray().Select(value => (double)value)])];
    }

    private async Task<IRouter> FitAsync(RoutingMethod method, FeatureScaling scaling)
    {
        RunView run = reference.View;
        RoutingOptions options = run.Config.Routing with { Method = method, Scaling = scaling };
        TaskResult fitted = await _bench.ExecuteAsync(new RouterSpec(
            run.Model!.Chunks, run.Model.Features, run.Topology.Paths, run.Topology.Grid.Experts, run.Topology.Grid.Replicas, options.OfRouter(), run.Config.Seed));
        return RouterCodec.Read(await _bench.Store.GetFileAsync(fitted[RouterSpec.Output], TestContext.Current.CancellationToken));
    }

    private static FeatureTransform TransformOf(IRouter router) => router switch
    {
        KMeansRouter nearest => nearest.Transform,
        ProductKMeansRouter product => product.Transform,
        ResidualKMeansRouter residual => residual.Transform,
        BalancedKMeansRouter balanced => balanced.Distances.Transform,
        _ => throw new ArgumentException($"A router of kind {router.Kind} has no preprocessing.", nameof(router)),
    };

    /// <summary>The small run's documents with their features.</summary>
    private sealed class Documents : IDisposable
    {
        private readonly TokenCorpus _corpus;
        private readonly RoutedDocuments _documents;

        public Documents(RunView run)
        {
            _corpus = TokenCorpus.Open([.. run.Model!.Chunks.Select(run.FileOf)]);
            _documents = RoutedDocuments.Of(_corpus, [.. run.Model.Features.Select(run.FileOf)], CancellationToken.None);
            Training = _documents.Input.Select(_documents.Usable(run.Config.Routing.PrefixTokens, entry => entry.Split == Split.Train));
        }

        public RouterInput Training { get; }

        public void Dispose()
        {
            _documents.Dispose();
            _corpus.Dispose();
        }
    }
}
