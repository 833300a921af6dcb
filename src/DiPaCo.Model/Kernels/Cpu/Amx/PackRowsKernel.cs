using System.Runtime.CompilerServices;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>Panels of a matrix that is there as [depth, column]. A chunk is a panel of 32 columns, [depth / 2, 32].</summary>
internal unsafe struct PackRowsKernel : IChunkKernel
{
    private const int Block = AmxProduct.Block;

    public ushort* Source;
    public uint* Panels;
    public int Depth;
    public int Columns;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker) =>
        AmxPacking.PairRows(Source + ((nint)chunk * Block), Columns, Depth, Panels + ((nint)chunk * Block * (Depth / 2)));
}
