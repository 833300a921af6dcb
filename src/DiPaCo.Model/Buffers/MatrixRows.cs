using static TorchSharp.torch;

namespace DiPaCo.Model.Buffers;

/// <summary>Consecutive rows of a matrix: as a tensor for libtorch and, on the CPU, as an address for our own loops.</summary>
/// <param name="buffer">The matrix.</param>
/// <param name="value">These rows of it.</param>
/// <param name="first">The first of them.</param>
internal readonly unsafe struct MatrixRows(TensorBuffer buffer, Tensor value, long first)
{
    /// <summary>[rows, columns].</summary>
    public Tensor Value => value;

    public long Count => value.shape[0];

    /// <summary>The first element. Only on the CPU.</summary>
    public void* Pointer => (byte*)buffer.Pointer + (first * buffer.Columns * value.element_size());

    public static implicit operator MatrixRows(TensorBuffer buffer) => new(buffer, buffer.Value, 0);
}
