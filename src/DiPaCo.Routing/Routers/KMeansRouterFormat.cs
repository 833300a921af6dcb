using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>Stores k-means routers: <c>centroids</c> [P, d], <c>shift</c> [d], <c>scale</c> [d], and the length of the prefix.</summary>
internal sealed class KMeansRouterFormat : IRouterFormat
{
    private const string CentroidsName = "centroids";

    public string Kind => KMeansRouter.KindName;

    public IReadOnlyList<KeyValuePair<string, string>> Fields(IRouter router) => [StoredTransform.Prefix(router)];

    public IReadOnlyList<(TensorSpec Spec, float[] Values)> Tensors(IRouter router)
    {
        KMeansRouter kMeans = (KMeansRouter)router;
        return
        [
            (new TensorSpec(CentroidsName, TensorDType.F32, kMeans.Paths.Length, kMeans.FeatureWidth), kMeans.Centroids.ToArray()),
            .. StoredTransform.Tensors(kMeans.Transform),
        ];
    }

    public IRouter Read(StoredFields fields, ImmutableArray<PathId> paths) => ReadKMeans(fields, paths);

    /// <summary>The same for formats that add to this one.</summary>
    public static KMeansRouter ReadKMeans(StoredFields fields, ImmutableArray<PathId> paths)
    {
        FeatureTransform transform = StoredTransform.Read(fields);
        float[] centroids = fields.Floats(CentroidsName, paths.Length, transform.Width);
        return new KMeansRouter(paths, FeatureMatrix.Of(centroids, transform.Width), transform, StoredTransform.ReadPrefix(fields));
    }
}
