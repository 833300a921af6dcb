using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>Stores k-means routers: <c>centroids</c> [P, d], <c>shift</c> [d], <c>scale</c> [d], and the length of the prefix.</summary>
internal sealed class KMeansRouterFormat : IRouterFormat
{
    private const string CentroidsName = "centroids";
    private const string ShiftName = "shift";
    private const string ScaleName = "scale";

    public string Kind => KMeansRouter.KindName;

    public IReadOnlyList<KeyValuePair<string, string>> Fields(IRouter router) =>
        [new(FeatureCodec.PrefixKey, router.PrefixTokens.ToString(CultureInfo.InvariantCulture))];

    public IReadOnlyList<(TensorSpec Spec, float[] Values)> Tensors(IRouter router)
    {
        KMeansRouter kMeans = (KMeansRouter)router;
        int width = kMeans.FeatureWidth;
        float[] centroids = new float[kMeans.Paths.Length * width];
        kMeans.Centroids.Read(0, kMeans.Paths.Length, centroids).CopyTo(centroids);
        return
        [
            (new TensorSpec(CentroidsName, TensorDType.F32, kMeans.Paths.Length, width), centroids),
            (new TensorSpec(ShiftName, TensorDType.F32, width), kMeans.Transform.Shift.ToArray()),
            (new TensorSpec(ScaleName, TensorDType.F32, width), kMeans.Transform.Scale.ToArray()),
        ];
    }

    public IRouter Read(StoredFields fields, ImmutableArray<PathId> paths)
    {
        float[] shift = fields.Floats(ShiftName, -1);
        if (shift.Length > FeatureMatrix.MaximumWidth)
        {
            throw fields.Bad($"its features are {shift.Length} wide where at most {FeatureMatrix.MaximumWidth} was expected");
        }

        float[] scale = fields.Floats(ScaleName, shift.Length);
        float[] values = fields.Floats(CentroidsName, paths.Length, shift.Length);
        FeatureMatrix centroids = new(paths.Length, shift.Length);
        for (int path = 0; path < paths.Length; path++)
        {
            values.AsSpan(path * shift.Length, shift.Length).CopyTo(centroids.Row(path));
        }

        return new KMeansRouter(
            paths, centroids, new FeatureTransform(shift, scale), fields.Integer(FeatureCodec.PrefixKey, 1, int.MaxValue));
    }
}
