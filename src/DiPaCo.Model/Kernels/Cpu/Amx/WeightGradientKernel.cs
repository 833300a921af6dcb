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

    /// <summary>Whether the sum is the gradient with its dimensions exchanged.</summary>
    public bool IsTurned;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        int all = Columns / Block;
        int firstBlock = (int)(chunk * all / Jobs);
        int blocks = (int)((chunk + 1) * all / Jobs) - firstBlock;
        float* sums = (float*)(Scratch + ((nint)worker * (nint)(SumBytes + PanelBytes)));
        uint* panels = (uint*)((byte*)sums + SumBytes);
        int width = blocks * Block;
        for (int first = 0; first < Depth; first += TurnKernel.Depth)
        {
            int depth = (Math.Min(TurnKernel.Depth, Depth - first) + Block - 1) / Block * Block;
            for (int block = 0; block < blocks; block++)
            {
                Pack(first, depth, (firstBlock + block) * Block, panels + ((nint)block * Block * (depth / 2)));
            }

            AmxProduct.Multiply(new AmxOperands
            {
                A = Turned + ((nint)first * Rows), ARow = TurnKernel.Depth * sizeof(ushort), ABlock = Block * TurnKernel.Depth * sizeof(ushort),
                B = panels, BRow = Block * sizeof(uint), BBlock = (nint)Block * (depth / 2) * sizeof(uint),
                C = sums, CRow = width * sizeof(float),
                RowBlocks = Rows / Block, ColumnBlocks = blocks, DepthBlocks = depth / Block, Accumulate = first > 0 ? 1 : 0,
            });
        }

        if (IsTurned)
        {
            AddTurned(sums, width, firstBlock * Block);
        }
        else
        {
            Add(sums, width, firstBlock * Block);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Pack(int first, int depth, int column, uint* panel)
    {
        for (int row = first; row < first + depth; row += 2)
        {
            AmxPacking.PairAt(Wide, Columns, Depth, row, column).Store(panel);
            AmxPacking.PairAt(Wide, Columns, Depth, row, column + Vector).Store(panel + Vector);
            panel += Block;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Add(float* sums, int width, int column)
    {
        for (int row = 0; row < Rows; row++)
        {
            float* gradient = Gradient + ((nint)row * Columns) + column;
            float* sum = sums + ((nint)row * width);
            for (int c = 0; c < width; c += Vector)
            {
                (Vector512.Load(gradient + c) + Vector512.Load(sum + c)).Store(gradient + c);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void AddTurned(float* sums, int width, int column)
    {
        float* turned = stackalloc float[Vector * Vector];
        for (int c = 0; c < width; c += Vector)
        {
            for (int row = 0; row < Rows; row += Vector)
            {
                AmxPacking.Turn16(sums + ((nint)row * width) + c, width, turned, Vector);
                for (int i = 0; i < Vector; i++)
                {
                    float* gradient = Gradient + ((nint)(column + c + i) * Rows) + row;
                    (Vector512.Load(gradient) + Vector512.Load(turned + (i * Vector))).Store(gradient);
                }
            }
        }
    }
}
