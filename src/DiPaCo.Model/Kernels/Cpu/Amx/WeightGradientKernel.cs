using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// gradient += turned·wide, sums in fp32. A chunk of the loop is some columns of the sum, which stays in the cache while the depth is run through; the
/// columns are brought into pairs on the way, each once.
/// </summary>
internal unsafe struct WeightGradientKernel : IChunkKernel
{
    private const int Block = AmxProduct.Block;
    private const int Vector = 16;

    // A panel's pairs and a line more: panels that lie a power of two apart fall into one set of the cache.
    private const int PanelPairs = (Block * TurnKernel.Depth / 2) + Block;

    public ushort* Turned;
    public ushort* Wide;
    public float* Gradient;
    public byte* Scratch;
    public long SumBytes;
    public long PanelBytes;
    public int Rows;
    public int Columns;
    public int Depth;
    public int Jobs;

    /// <summary>Bytes of the panels of some blocks of columns.</summary>
    public static long PanelBytesOf(int blocks) => (long)blocks * PanelPairs * sizeof(uint);

    /// <summary>Whether the sum is the gradient with its dimensions exchanged.</summary>
    public bool IsTurned;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        int all = AmxProduct.Padded(Columns) / Block;
        int rows = AmxProduct.Padded(Rows);
        int firstBlock = (int)(chunk * all / Jobs);
        int blocks = (int)((chunk + 1) * all / Jobs) - firstBlock;
        float* sums = (float*)(Scratch + ((nint)worker * (nint)(SumBytes + PanelBytes)));
        uint* panels = (uint*)((byte*)sums + SumBytes);
        int width = blocks * Block;
        for (int first = 0; first < Depth; first += TurnKernel.Depth)
        {
            int depth = AmxProduct.Padded(Math.Min(TurnKernel.Depth, Depth - first));
            AmxPacking.PackPanels(Wide, Columns, Depth, (first, firstBlock * Block), (depth, width), panels, PanelPairs);
            AmxProduct.Multiply(new AmxOperands
            {
                A = Turned + ((nint)first * rows), ARow = TurnKernel.Depth * sizeof(ushort), ABlock = Block * TurnKernel.Depth * sizeof(ushort),
                B = panels, BRow = Block * sizeof(uint), BBlock = PanelPairs * sizeof(uint),
                C = sums, CRow = width * sizeof(float),
                RowBlocks = rows / Block, ColumnBlocks = blocks, DepthBlocks = depth / Block, Accumulate = first > 0 ? 1 : 0,
            });
        }

        int column = firstBlock * Block;
        int count = Math.Min(width, Columns - column);
        if (IsTurned)
        {
            AddTurned(sums, width, column, count);
        }
        else
        {
            Add(sums, width, column, count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Add(float* sums, int width, int column, int count)
    {
        for (int row = 0; row < Rows; row++)
        {
            float* gradient = Gradient + ((nint)row * Columns) + column;
            float* sum = sums + ((nint)row * width);
            for (int c = 0; c < count; c += Vector)
            {
                (Vector512.Load(gradient + c) + Vector512.Load(sum + c)).Store(gradient + c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void AddTurned(float* sums, int width, int column, int count)
    {
        float* turned = stackalloc float[Vector * Vector];
        for (int c = 0; c < count; c += Vector)
        {
            for (int row = 0; row < Rows; row += Vector)
            {
                Transposition.Turn16(sums + ((nint)row * width) + c, width, turned, Vector);
                for (int i = 0; i < Vector; i++)
                {
                    float* gradient = Gradient + ((nint)(column + c + i) * Rows) + row;
                    (Vector512.Load(gradient) + Vector512.Load(turned + (i * Vector))).Store(gradient);
                }
            }
        }
    }
}
