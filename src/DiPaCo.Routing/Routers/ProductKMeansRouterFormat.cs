using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>Stores product k-means routers: codes and codebooks (<see cref="StoredCodes"/>), preprocessing and prefix.</summary>
internal sealed class ProductKMeansRouterFormat : IRouterFormat
{
    public string Kind => ProductKMeansRouter.KindName;

    public IReadOnlyList<KeyValuePair<string, string>> Fields(IRouter router) =>
        [StoredTransform.Prefix(router), .. StoredCodes.Fields(((ProductKMeansRouter)router).Codes)];

    public IReadOnlyList<(TensorSpec Spec, float[] Values)> Tensors(IRouter router)
    {
        ProductKMeansRouter product = (ProductKMeansRouter)router;
        return [.. StoredCodes.Tensors(product.Centroids), .. StoredTransform.Tensors(product.Transform)];
    }

    public IRouter Read(StoredFields fields, ImmutableArray<PathId> paths)
    {
        FeatureTransform transform = StoredTransform.Read(fields);
        PathCodes codes = StoredCodes.ReadCodes(fields, paths);
        ImmutableArray<FeatureMatrix> books = StoredCodes.ReadBooks(fields, codes, group => ProductKMeansRouter.GroupWidth(transform.Width, codes.Sizes.Length, group));
        return new ProductKMeansRouter(paths, codes, books, transform, StoredTransform.ReadPrefix(fields));
    }
}
