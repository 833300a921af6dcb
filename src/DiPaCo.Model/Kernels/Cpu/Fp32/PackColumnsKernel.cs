namespace DiPaCo.Model.Kernels.Cpu.Fp32;

/// <summary>Panels of a matrix that is there as [column, depth]. A chunk is a panel.</summary>
internal unsafe struct PackColumnsKernel : IChunkKernel
{
    public float* Source;
    public float* Panels;
    public int FirstPanel;
    public int Depth;
    public int Columns;

    public readonly void Run(long chunk, int worker) => PanelPacking.FromColumns(
        Source, Columns, Depth, FirstPanel + (int)chunk, Panels + ((nint)chunk * Depth * ProductTile.Columns));
}
