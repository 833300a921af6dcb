using System.Runtime.CompilerServices;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// result = left·panels in bf16. A chunk of the loop is some rows of the result in some of its columns; rows come first, so that a thread meets
/// the same panels again.
/// </summary>
internal unsafe struct RoundedProductKernel : IChunkKernel
{
    private const int Block = AmxProduct.Block;
    private const int RoomBytes = Block * Block * sizeof(float);

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

    /// <summary>Bytes of scratch of a thread: a block in fp32, the last rows of the left matrix, and a job's results where they are no whole blocks.</summary>
    public static long ScratchBytes(int depth, int columns, int rowsOfJob) =>
        RoomBytes + (((long)Block * AmxProduct.Padded(depth)) + ((long)rowsOfJob * AmxProduct.Padded(columns))) * sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        (long part, long job) = Math.DivRem(chunk, RowJobs);
        int blocks = AmxProduct.Padded(Columns) / Block;
        int firstBlock = (int)(part * blocks / Chunks);
        int endBlock = (int)((part + 1) * blocks / Chunks);
        byte* room = Scratch + ((nint)worker * (nint)ScratchBytes(Depth, Columns, RowsOfJob));
        long first = job * RowsOfJob;
        int count = (int)Math.Min(RowsOfJob, Rows - first);

        // Blocks that reach beyond the end of a row read the next one, times 0 (where that is not finite the step is lost anyhow). Beyond the matrix lies other memory: the last rows are copied before they are read, and results that are not wanted go elsewhere.
        bool readsBeyond = first + count == Rows && (count % Block != 0 || Depth % Block != 0);
        int direct = readsBeyond ? (count - 1) / Block * Block : count;
        ushort* rows = (ushort*)(room + RoomBytes);
        ushort* results = rows + ((nint)Block * AmxProduct.Padded(Depth));
        bool isWhole = endBlock * Block <= Columns;
        int width = isWhole ? Columns : (endBlock - firstBlock) * Block;
        ushort* result = Result + ((nint)first * Columns) + ((nint)firstBlock * Block);
        AmxOperands operands = new()
        {
            A = Left + ((nint)first * Depth), ARow = Depth * sizeof(ushort), ABlock = (nint)Block * Depth * sizeof(ushort),
            B = Panels + ((nint)firstBlock * Block * (AmxProduct.Padded(Depth) / 2)), BRow = Block * sizeof(uint),
            BBlock = (nint)Block * (AmxProduct.Padded(Depth) / 2) * sizeof(uint),
            C = isWhole ? result : results, CRow = width * sizeof(ushort), Room = room,
            RowBlocks = direct / Block, ColumnBlocks = endBlock - firstBlock, DepthBlocks = AmxProduct.Padded(Depth) / Block,
        };
        if (direct > 0)
        {
            AmxProduct.MultiplyRounded(operands);
        }

        if (direct < count)
        {
            ushort* rest = results + ((nint)direct * width);
            LoadRest(first + direct, count - direct, rows);
            operands.A = rows;
            operands.ARow = AmxProduct.Padded(Depth) * sizeof(ushort);
            operands.C = rest;
            operands.CRow = width * sizeof(ushort);
            operands.RowBlocks = 1;
            AmxProduct.MultiplyRounded(operands);
            if (isWhole)
            {
                CopyRows(rest, width, result + ((nint)direct * Columns), count - direct, (endBlock - firstBlock) * Block);
            }
        }

        if (!isWhole)
        {
            CopyRows(results, width, result, count, Columns - (firstBlock * Block));
        }
    }

    private readonly void LoadRest(long first, int count, ushort* rows)
    {
        int depth = AmxProduct.Padded(Depth);
        new Span<ushort>(rows, Block * depth).Clear();
        for (int row = 0; row < count; row++)
        {
            new ReadOnlySpan<ushort>(Left + ((nint)(first + row) * Depth), Depth).CopyTo(new Span<ushort>(rows + ((nint)row * depth), Depth));
        }
    }

    private readonly void CopyRows(ushort* from, int width, ushort* to, int rows, int columns)
    {
        for (int row = 0; row < rows; row++)
        {
            new ReadOnlySpan<ushort>(from + ((nint)row * width), columns).CopyTo(new Span<ushort>(to + ((nint)row * Columns), columns));
        }
    }
}
