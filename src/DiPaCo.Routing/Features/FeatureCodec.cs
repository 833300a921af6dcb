using System.Globalization;
using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Routing;

/// <summary>Features as a safetensors blob: one tensor <c>features</c>, F32 [n, d]. Equal features give equal bytes.</summary>
public static class FeatureCodec
{
    internal const string TensorName = "features";
    internal const string FormatKey = "format";
    internal const string FormatName = "dipaco.features/1";
    internal const string PrefixKey = "prefix_tokens";

    /// <summary>Writes features, a block of rows at a time.</summary>
    /// <param name="features">The features.</param>
    /// <param name="prefixTokens">Tokens that they were computed from.</param>
    /// <param name="destination">Where the blob goes; not disposed.</param>
    /// <param name="cancellationToken">Looked at between blocks.</param>
    public static void Write(IFeatureSource features, int prefixTokens, Stream destination, CancellationToken cancellationToken = default)
    {
        SafeTensorsWriter writer = new(
            destination,
            [new TensorSpec(TensorName, TensorDType.F32, features.Rows, features.Width)],
            [new(FormatKey, FormatName), new(PrefixKey, prefixTokens.ToString(CultureInfo.InvariantCulture))]);
        float[] scratch = new float[RowBlocks.Rows * features.Width];
        for (int first = 0; first < features.Rows; first += RowBlocks.Rows)
        {
            cancellationToken.ThrowIfCancellationRequested();
            writer.Append(MemoryMarshal.AsBytes(features.Read(first, Math.Min(RowBlocks.Rows, features.Rows - first), scratch)));
        }

        writer.Complete();
    }

    /// <summary>Reads a blob into memory. <see cref="FeatureFile"/> leaves it on the disk.</summary>
    /// <exception cref="DiPaCoException">The file is damaged or holds something else.</exception>
    public static FeatureMatrix Read(string file, CancellationToken cancellationToken = default)
    {
        using FeatureFile features = FeatureFile.Open(file);
        FeatureMatrix matrix = new(features.Rows, features.Width);
        for (int row = 0; row < matrix.Rows; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            features.Read(row, 1, matrix.Row(row));
        }

        return matrix;
    }
}
