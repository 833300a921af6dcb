using System.Collections.Immutable;
using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>
/// Routers as blobs: a safetensors file with the kind and the paths, and what the kind adds. Equal routers give equal bytes;
/// a router that was read chooses as the one that was written, bit for bit. A new kind is a new <see cref="IRouterFormat"/>.
/// </summary>
public static class RouterCodec
{
    private const string FormatName = "dipaco.router/1";
    private const string KindKey = "kind";
    private const string PathsName = "paths";

    private static readonly ImmutableArray<IRouterFormat> Formats =
    [
        new KMeansRouterFormat(),
        new ProductKMeansRouterFormat(),
        new ResidualKMeansRouterFormat(),
        new BalancedKMeansRouterFormat(),
        new LogisticRouterFormat(),
        new RandomRouterFormat(),
    ];

    /// <summary>Writes a router.</summary>
    /// <param name="router">The router.</param>
    /// <param name="destination">Where the blob goes; not disposed.</param>
    /// <exception cref="ArgumentException">The router is of a kind that cannot be stored.</exception>
    public static void Write(IRouter router, Stream destination)
    {
        IRouterFormat format = Formats.FirstOrDefault(format => format.Kind == router.Kind)
            ?? throw new ArgumentException($"No format stores routers of kind '{router.Kind}'.", nameof(router));
        IReadOnlyList<(TensorSpec Spec, float[] Values)> tensors = format.Tensors(router);
        SafeTensorsWriter writer = new(
            destination,
            [new TensorSpec(PathsName, TensorDType.I32, router.Paths.Length), .. tensors.Select(tensor => tensor.Spec)],
            [new(FeatureCodec.FormatKey, FormatName), new(KindKey, router.Kind), .. format.Fields(router)]);
        writer.Append(MemoryMarshal.AsBytes<int>(router.Paths.Select(path => path.Value).ToArray()));
        foreach ((TensorSpec _, float[] values) in tensors)
        {
            writer.Append(MemoryMarshal.AsBytes<float>(values));
        }

        writer.Complete();
    }

    /// <summary>Reads a router.</summary>
    /// <exception cref="DiPaCoException">The file is missing, damaged, holds something else, or a kind that this version does not know.</exception>
    public static IRouter Read(string file)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(file);
        StoredFields fields = new(reader, FormatName);
        string kind = fields.Text(KindKey);
        IRouterFormat format = Formats.FirstOrDefault(format => format.Kind == kind)
            ?? throw fields.Bad($"it is a router of kind '{kind}' where one of {string.Join(", ", Formats.Select(known => known.Kind))} was expected");
        ImmutableArray<PathId> paths = [.. fields.Integers(PathsName, -1).Select(path => new PathId(path))];
        if (!RouterPaths.AreValid(paths.AsSpan()))
        {
            throw fields.Bad("its paths are not ascending and distinct");
        }

        return format.Read(fields, paths);
    }
}
