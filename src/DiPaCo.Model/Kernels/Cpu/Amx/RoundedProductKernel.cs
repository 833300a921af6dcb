using System.Runtime.CompilerServices;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// result = left·panels in bf16. A chunk of the loop is some rows of the result in some of its columns; rows come first, so that a thread meets
/// the same panels again.
/// </summary>
internal unsafe struct RoundedProductKernel : IChunkKernel
{
    private const int Block = AmxProduct.Block;

    public ushort* Left;
    public uint* Panels;
    public ushort* Result;
    public byte* Scratch;
    public long Rows;
    public int RowsOfJob;
    public long RowJobs;
    public int Columns;
    public int Depth;
    public int Chunks;

    /// <summary>Bytes of scratch of a thread: a block in fp32, and the last rows where they are no whole block.</summary>
    public static long ScratchBytes(int depth, int columns) => (Block * Block * sizeof(float)) + ((long)Block * (depth + columns) * sizeof(ushort));

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        (long part, long job) = Math.DivRem(chunk, RowJobs);
        int blocks = Columns / Block;
        int firstBlock = (int)(part * blocks / Chunks);
        int endBlock = (int)((part + 1) * blocks / Chunks);
        byte* room = Scratch + ((nint)worker * (nint)ScratchBytes(Depth, Columns));
        long first = job * RowsOfJob;
        int count = (int)Math.Min(RowsOfJob, Rows - first);
        ushort* left = Left + ((nint)first * Depth);
        ushort* result = Result + ((nint)first * Columns) + ((nint)firstBlock * Block);
        AmxOperands operands = new()
        {
            A = left, ARow = Depth * sizeof(ushort), ABlock = (nint)Block * Depth * sizeof(ushort),
            B = Panels + ((nint)firstBlock * Block * (Depth / 2)), BRow = Block * sizeof(uint), BBlock = (nint)Block * (Depth / 2) * sizeof(uint),
            C = result, CRow = Columns * sizeof(ushort), Room = room,
            RowBlocks = count / Block, ColumnBlocks = endBlock - firstBlock, DepthBlocks = Depth / Block,
        };
        if (operands.RowBlocks > 0)
        {
            AmxProduct.MultiplyRounded(operands);
        }

        if (count % Block is int rest and > 0)
        {
            // Beyond the last rows lies other memory.
            int whole = count - rest;
            ushort* rows = (ushort*)(room + (Block * Block * sizeof(float)));
            ushort* results = rows + ((nint)Block * Depth);
            Copy(left + ((nint)whole * Depth), rows, (long)rest * Depth);
            new Span<ushort>(rows + ((nint)rest * Depth), (Block - rest) * Depth).Clear();
            operands.A = rows;
            operands.C = results;
            operands.RowBlocks = 1;
            AmxProduct.MultiplyRounded(operands);
            for (int row = 0; row < rest; row++)
            {
                Copy(results + ((nint)row * Columns), result + ((nint)(whole + row) * Columns), (endBlock - firstBlock) * Block);
            }
        }
    }

    private static void Copy(ushort* from, ushort* to, long elements) =>
        Buffer.MemoryCopy(from, to, elements * sizeof(ushort), elements * sizeof(ushort));
}
