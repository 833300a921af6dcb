using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Routing;

/// <summary>Features that stay on the disk: rows are read when they are asked for.</summary>
public sealed class FeatureFile : IFeatureSource, IDisposable
{
    private readonly string _file;
    private readonly SafeFileHandle _handle;
    private readonly long _offset;

    private FeatureFile(string file, SafeFileHandle handle, StoredTensor tensor, int prefixTokens)
    {
        _file = file;
        _handle = handle;
        _offset = tensor.FileOffset;
        Rows = (int)tensor.Spec.Shape[0];
        Width = (int)tensor.Spec.Shape[1];
        PrefixTokens = prefixTokens;
    }

    /// <inheritdoc/>
    public int Rows { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <summary>Tokens that the features were computed from.</summary>
    public int PrefixTokens { get; }

    /// <summary>Opens a blob of <see cref="FeatureCodec"/>; its header is checked, and no row is read.</summary>
    /// <exception cref="DiPaCoException">The file is missing, damaged, or holds something else.</exception>
    public static FeatureFile Open(string file)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(file);
        StoredFields fields = new(reader, FeatureCodec.FormatName);
        int prefixTokens = fields.Integer(FeatureCodec.PrefixKey, 1, int.MaxValue);
        StoredTensor tensor = fields.Tensor(FeatureCodec.TensorName, TensorDType.F32, 2);
        if (tensor.Spec.Shape[0] > int.MaxValue || tensor.Spec.Shape[1] is < 1 or > FeatureMatrix.MaximumWidth)
        {
            throw new SafeTensorsException(file, $"its features are {tensor.Spec}; at most 2^31 − 1 rows of 1 to {FeatureMatrix.MaximumWidth} were expected");
        }

        SafeFileHandle handle = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        return new FeatureFile(file, handle, tensor, prefixTokens);
    }

    /// <inheritdoc/>
    /// <exception cref="DiPaCoException">The file became shorter.</exception>
    public ReadOnlySpan<float> Read(int first, int count, Span<float> scratch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Rows - first);
        Span<byte> missing = MemoryMarshal.AsBytes(scratch[..(count * Width)]);
        long offset = _offset + ((long)first * Width * sizeof(float));
        while (!missing.IsEmpty)
        {
            int read = RandomAccess.Read(_handle, missing, offset);
            if (read == 0)
            {
                throw new SafeTensorsException(_file, $"it ends at byte {offset}, too early");
            }

            missing = missing[read..];
            offset += read;
        }

        return scratch[..(count * Width)];
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
