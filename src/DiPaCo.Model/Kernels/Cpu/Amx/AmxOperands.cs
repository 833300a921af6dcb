using System.Runtime.InteropServices;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// What <see cref="AmxProduct"/> multiplies: C = A·B or C += A·B, with C in blocks of 32 × 32 and the depth in steps of 32. The generated code reads it by
/// <see cref="Marshal.OffsetOf{T}(string)"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct AmxOperands
{
    /// <summary>bf16 [rows, depth].</summary>
    public void* A;

    /// <summary>Bytes from a row of A to the next.</summary>
    public nint ARow;

    /// <summary>Pairs of bf16, [depth / 2, columns]: the pair (k, n) holds B[2k, n] in its lower half and B[2k + 1, n] in its upper one.</summary>
    public void* B;

    /// <summary>Bytes from a row of pairs to the next.</summary>
    public nint BRow;

    /// <summary>fp32 [rows, columns].</summary>
    public void* C;

    /// <summary>Bytes from a row of C to the next.</summary>
    public nint CRow;

    /// <summary>Rows of A and C, in blocks of 32; at least 1.</summary>
    public nint RowBlocks;

    /// <summary>Columns of B and C, in blocks of 32; at least 1.</summary>
    public nint ColumnBlocks;

    /// <summary>Columns of A and rows of B, in blocks of 32; at least 1.</summary>
    public nint DepthBlocks;

    /// <summary>1: C is added to; 0: it is overwritten.</summary>
    public nint Accumulate;

    /// <summary>How the tiles are divided, 64 bytes; set by <see cref="AmxProduct"/>.</summary>
    public void* Configuration;
}
