using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>Panels of a matrix that is there as [depth, column]. A chunk is a panel of 32 columns, [depth / 2, 32].</summary>
internal unsafe struct PackRowsKernel : IChunkKernel
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
        nint column = (nint)chunk * Block;
        uint* panel = Panels + (column * (AmxProduct.Padded(Depth) / 2));
        for (int row = 0; row < AmxProduct.Padded(Depth); row += 2)
        {
            AmxPacking.PairAt(Source, Columns, Depth, row, column).Store(panel);
            AmxPacking.PairAt(Source, Columns, Depth, row, column + Vector).Store(panel + Vector);
            panel += Block;
        }
    }
}
