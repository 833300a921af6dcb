using System.Runtime.CompilerServices;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>Panels of a matrix that is there as [column, depth], so that pairs along the depth lie side by side. A chunk is a panel of 32 columns, [depth / 2, 32].</summary>
internal unsafe struct PackColumnsKernel : IChunkKernel
{
    private const int Block = AmxProduct.Block;

    public ushort* Source;
    public uint* Panels;
    public int Depth;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker) => AmxPacking.Turn(
        (float*)(Source + ((nint)chunk * Block * Depth)), Block, Depth / 2, (float*)(Panels + ((nint)chunk * Block * (Depth / 2))));
}
