using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>Stores balanced k-means routers: what k-means routers store, and <c>offsets</c> [P].</summary>
internal sealed class BalancedKMeansRouterFormat : IRouterFormat
{
    private const string OffsetsName = "offsets";

    private readonly KMeansRouterFormat _distances = new();

    public string Kind => BalancedKMeansRouter.KindName;

    public IReadOnlyList<KeyValuePair<string, string>> Fields(IRouter router) => _distances.Fields(router);

    public IReadOnlyList<(TensorSpec Spec, float[] Values)> Tensors(IRouter router)
    {
        BalancedKMeansRouter balanced = (BalancedKMeansRouter)router;
        return
        [
            .. _distances.Tensors(balanced.Distances),
            (new TensorSpec(OffsetsName, TensorDType.F32, balanced.Paths.Length), [.. balanced.Offsets]),
        ];
    }

    public IRouter Read(StoredFields fields, ImmutableArray<PathId> paths) =>
        new BalancedKMeansRouter(KMeansRouterFormat.ReadKMeans(fields, paths), [.. fields.Floats(OffsetsName, paths.Length)]);
}
