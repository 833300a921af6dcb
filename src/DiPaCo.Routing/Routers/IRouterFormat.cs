using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>How one kind of router is stored; <see cref="RouterCodec"/> knows them all.</summary>
internal interface IRouterFormat
{
    /// <summary>The kind that is written to the blob.</summary>
    string Kind { get; }

    /// <summary>The router's own fields, beside its kind and its paths.</summary>
    IReadOnlyList<KeyValuePair<string, string>> Fields(IRouter router);

    /// <summary>The router's own tensors.</summary>
    IReadOnlyList<(TensorSpec Spec, float[] Values)> Tensors(IRouter router);

    /// <summary>Builds the router; every value comes from a file that anyone may have written.</summary>
    IRouter Read(StoredFields fields, ImmutableArray<PathId> paths);
}
