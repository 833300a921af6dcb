using System.Runtime.InteropServices;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// What <see cref="AmxProduct"/> multiplies: C = A·B, with C in blocks of 32 × 32 and the depth in steps of 32. The generated code reads it by
/// <see cref="Marshal.OffsetOf{T}(string)"/>. All distances are in bytes.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct AmxOperands
{
    /// <summary>bf16 [rows, depth].</summary>
    public void* A;

    /// <summary>From a row of A to the next.</summary>
    public nint ARow;

    /// <summary>From 32 rows of A to the next 32.</summary>
    public nint ABlock;

    /// <summary>Pairs of bf16, [depth / 2, columns]: the pair (k, n) holds B[2k, n] in its lower half and B[2k + 1, n] in its upper one.</summary>
    public void* B;

    /// <summary>From a row of pairs to the next.</summary>
    public nint BRow;

    /// <summary>From 32 columns of B to the next 32.</summary>
    public nint BBlock;

    /// <summary>[rows, columns], fp32 or bf16.</summary>
    public void* C;

    /// <summary>From a row of C to the next.</summary>
    public nint CRow;

    /// <summary>Rows of A and C, in blocks of 32; at least 1.</summary>
    public nint RowBlocks;

    /// <summary>Columns of B and C, in blocks of 32; at least 1.</summary>
    public nint ColumnBlocks;

    /// <summary>Columns of A and rows of B, in blocks of 32; at least 1.</summary>
    public nint DepthBlocks;

    /// <summary>1: C, which is fp32, is added to; 0: it is overwritten.</summary>
    public nint Accumulate;

    /// <summary>Room for a block of C in fp32, where C is bf16.</summary>
    public void* Room;

    /// <summary>How the tiles are divided, 64 bytes; set by <see cref="AmxProduct"/>.</summary>
    public void* Configuration;
}
