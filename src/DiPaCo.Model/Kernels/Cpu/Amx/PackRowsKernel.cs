namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>Panels of a matrix that is there as [depth, column]. A chunk is a panel of 32 columns, [depth / 2, 32].</summary>
internal unsafe struct PackRowsKernel : IChunkKernel
{
    private const int Block = AmxProduct.Block;

    public ushort* Source;
    public uint* Panels;
    public int Depth;
    public int Columns;

    public readonly void Run(long chunk, int worker)
    {
        nint column = (nint)chunk * Block;
        int depth = AmxProduct.Padded(Depth);
        AmxPacking.PackPanels(Source, Columns, Depth, (0, column), (depth, Block), Panels + (column * (depth / 2)), panel: 0);
    }
}
