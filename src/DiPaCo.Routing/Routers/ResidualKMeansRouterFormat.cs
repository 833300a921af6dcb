using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>Stores residual k-means routers: codes and codebooks (<see cref="StoredCodes"/>), preprocessing and prefix.</summary>
internal sealed class ResidualKMeansRouterFormat : IRouterFormat
{
    public string Kind => ResidualKMeansRouter.KindName;

    public IReadOnlyList<KeyValuePair<string, string>> Fields(IRouter router) =>
        [StoredTransform.Prefix(router), .. StoredCodes.Fields(((ResidualKMeansRouter)router).Codes)];

    public IReadOnlyList<(TensorSpec Spec, float[] Values)> Tensors(IRouter router)
    {
        ResidualKMeansRouter residual = (ResidualKMeansRouter)router;
        return [.. StoredCodes.Tensors(residual.Centroids), .. StoredTransform.Tensors(residual.Transform)];
    }

    public IRouter Read(StoredFields fields, ImmutableArray<PathId> paths)
    {
        FeatureTransform transform = StoredTransform.Read(fields);
        PathCodes codes = StoredCodes.ReadCodes(fields, paths);
        ImmutableArray<FeatureMatrix> books = StoredCodes.ReadBooks(fields, codes, _ => transform.Width);
        return new ResidualKMeansRouter(paths, codes, books, transform, StoredTransform.ReadPrefix(fields));
    }
}
