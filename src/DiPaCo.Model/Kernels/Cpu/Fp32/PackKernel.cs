namespace DiPaCo.Model.Kernels.Cpu.Fp32;

/// <summary>Panels of a matrix that is there as [depth, column] or, <see cref="ByColumns"/>, as [column, depth]. A chunk is a panel.</summary>
internal unsafe struct PackKernel : IChunkKernel
{
    public float* Source;
    public bool ByColumns;
    public float* Panels;
    public int FirstPanel;
    public int Depth;
    public int Columns;

    public readonly void Run(long chunk, int worker)
    {
        int panel = FirstPanel + (int)chunk;
        float* target = Panels + ((nint)chunk * Depth * ProductTile.Columns);
        if (ByColumns)
        {
            PanelPacking.FromColumns(Source, Columns, Depth, panel, target);
        }
        else
        {
            PanelPacking.FromRows(Source, Columns, Depth, panel, panel + 1, target);
        }
    }
}
