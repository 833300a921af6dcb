using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Model.SafeTensors;

/// <summary>What a safetensors header says of one tensor: name, element type and shape, elements in row-major order.</summary>
public sealed class TensorSpec
{
    /// <summary>Describes a tensor; no dimensions mean a scalar.</summary>
    /// <exception cref="ArgumentException">The name is empty or reserved, or a dimension is negative.</exception>
    /// <exception cref="OverflowException">The tensor would have more than 2^63 − 1 bytes.</exception>
    public TensorSpec(string name, TensorDType dtype, params ReadOnlySpan<long> shape)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name == SafeTensorsFormat.MetadataKey)
        {
            throw new ArgumentException($"'{name}' is reserved by the format.", nameof(name));
        }

        Name = name;
        DType = dtype;
        Shape = [.. shape];
        long elements = 1;
        foreach (long dimension in shape)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(dimension, nameof(shape));
            elements = checked(elements * dimension);
        }

        ByteLength = checked(elements * dtype.SizeInBytes());
    }

    /// <summary>A module's tensor as module files have it, in fp32.</summary>
    public static TensorSpec Of(NamedTensor tensor) => Of(tensor, TensorDType.F32);

    /// <summary>A module's tensor in another element type.</summary>
    public static TensorSpec Of(NamedTensor tensor, TensorDType type) => new(tensor.Name, type, tensor.Shape.AsSpan());

    /// <summary>The tensor's name, unique in its file.</summary>
    public string Name { get; }

    /// <summary>The element type.</summary>
    public TensorDType DType { get; }

    /// <summary>The dimensions, slowest first.</summary>
    public ImmutableArray<long> Shape { get; }

    /// <summary>Bytes of the tensor's data.</summary>
    public long ByteLength { get; }

    /// <summary>Whether both have the same element type and shape.</summary>
    public bool HasLayoutOf(TensorSpec other) => DType == other.DType && Shape.AsSpan().SequenceEqual(other.Shape.AsSpan());

    /// <summary>For messages: <c>F32 [8192, 192]</c>.</summary>
    public override string ToString() => $"{DType.FormatName()} [{string.Join(", ", Shape)}]";
}
