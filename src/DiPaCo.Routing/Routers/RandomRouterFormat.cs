using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>Stores random routers: the seed.</summary>
internal sealed class RandomRouterFormat : IRouterFormat
{
    private const string SeedKey = "seed";

    public string Kind => RandomRouter.KindName;

    public IReadOnlyList<KeyValuePair<string, string>> Fields(IRouter router) =>
        [new(SeedKey, ((RandomRouter)router).Seed.ToString(CultureInfo.InvariantCulture))];

    public IReadOnlyList<(TensorSpec Spec, float[] Values)> Tensors(IRouter router) => [];

    public IRouter Read(StoredFields fields, ImmutableArray<PathId> paths) => new RandomRouter(paths, fields.Integer(SeedKey));
}
