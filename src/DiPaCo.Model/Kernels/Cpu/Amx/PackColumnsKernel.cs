using System.Runtime.CompilerServices;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>Panels of a matrix that is there as [column, depth], so that pairs along the depth lie side by side. A chunk is a panel of 32 columns, [depth / 2, 32].</summary>
internal unsafe struct PackColumnsKernel : IChunkKernel
{
    private const int Block = AmxProduct.Block;
    private const int Vector = Block / 2;

    public ushort* Source;
    public uint* Panels;
    public int Depth;
    public int Columns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        int pairs = Depth / 2;
        int padded = AmxProduct.Padded(Depth) / 2;
        uint* panel = Panels + ((nint)chunk * Block * padded);
        new Span<uint>(panel + ((nint)pairs * Block), (padded - pairs) * Block).Clear();
        for (int half = 0; half < Block; half += Vector)
        {
            nint column = ((nint)chunk * Block) + half;
            int full = column < Columns ? pairs / Vector * Vector : 0;
            for (int pair = 0; pair < full; pair += Vector)
            {
                Transposition.Turn16((float*)(Source + (column * Depth)) + pair, pairs, (float*)(panel + ((nint)pair * Block) + half), Block);
            }

            for (int pair = full; pair < pairs; pair++)
            {
                for (int i = 0; i < Vector; i++)
                {
                    panel[((nint)pair * Block) + half + i] = column < Columns ? ((uint*)(Source + ((column + i) * Depth)))[pair] : 0;
                }
            }
        }
    }
}
