using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>Stores logistic routers: <c>weights</c> [P, d], <c>biases</c> [P], preprocessing and prefix.</summary>
internal sealed class LogisticRouterFormat : IRouterFormat
{
    private const string WeightsName = "weights";
    private const string BiasesName = "biases";

    public string Kind => LogisticRouter.KindName;

    public IReadOnlyList<KeyValuePair<string, string>> Fields(IRouter router) => [StoredTransform.Prefix(router)];

    public IReadOnlyList<(TensorSpec Spec, float[] Values)> Tensors(IRouter router)
    {
        LogisticRouter logistic = (LogisticRouter)router;
        return
        [
            (new TensorSpec(WeightsName, TensorDType.F32, logistic.Paths.Length, logistic.FeatureWidth), logistic.Weights.ToArray()),
            (new TensorSpec(BiasesName, TensorDType.F32, logistic.Paths.Length), [.. logistic.Biases]),
            .. StoredTransform.Tensors(logistic.Transform),
        ];
    }

    public IRouter Read(StoredFields fields, ImmutableArray<PathId> paths)
    {
        FeatureTransform transform = StoredTransform.Read(fields);
        FeatureMatrix weights = FeatureMatrix.Of(fields.Floats(WeightsName, paths.Length, transform.Width), transform.Width);
        return new LogisticRouter(paths, weights, [.. fields.Floats(BiasesName, paths.Length)], transform, StoredTransform.ReadPrefix(fields));
    }
}
