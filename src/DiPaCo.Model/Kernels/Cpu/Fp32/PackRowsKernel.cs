namespace DiPaCo.Model.Kernels.Cpu.Fp32;

/// <summary>Panels of a matrix that is there as [depth, column]. A chunk is a panel.</summary>
internal unsafe struct PackRowsKernel : IChunkKernel
{
    public float* Source;
    public float* Panels;
    public int FirstPanel;
    public int Depth;
    public int Columns;

    public readonly void Run(long chunk, int worker) => PanelPacking.FromRows(
        Source, Columns, Depth, FirstPanel + (int)chunk, FirstPanel + (int)chunk + 1, Panels + ((nint)chunk * Depth * ProductTile.Columns));
}
