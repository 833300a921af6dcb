using System.Runtime.CompilerServices;

namespace DiPaCo.Model.Kernels.Cpu.Fp32;

/// <summary>
/// gradient += leftᵀ·right, with both operands as [depth, column]. A chunk is some rows of the gradient in some of its columns, through all of the depth:
/// so every element has one order of its sum, whatever the number of chunks. Of a piece of the depth, some tiles of the left operand are multiplied by all panels of the
/// right one; meanwhile the tiles after them are brought into order, a few rows between one product and the next, and those after these are asked for, so that no product waits for memory.
/// </summary>
internal unsafe struct GradientProductKernel : IChunkKernel
{
    private const int DepthAtOnce = 256;
    private const int ColumnsAtOnce = 48;
    private const int Line = 64 / sizeof(float);
    private const nint LeftSize = DepthAtOnce * ColumnsAtOnce;

    public float* Left;
    public float* Right;
    public float* Gradient;
    public float* Scratch;
    public long Depth;
    public int Rows;
    public int Columns;
    public int RowJobs;
    public int ColumnJobs;

    private static int TilesAtOnce => ColumnsAtOnce / ProductTile.Rows;

    private static nint TileSize => ProductTile.Rows * ProductTile.Columns;

    /// <summary>Floats of scratch of a thread: a tile of the gradient, two groups of tiles of the left operand, and the panels of some columns.</summary>
    /// <param name="columns">Columns of the gradient.</param>
    /// <param name="columnJobs">What they are divided by.</param>
    public static nint ScratchOf(int columns, int columnJobs)
    {
        int panels = (PanelPacking.PanelsOf(columns) + columnJobs - 1) / columnJobs;
        return TileSize + (2 * LeftSize) + ((nint)DepthAtOnce * panels * ProductTile.Columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        (long columnJob, long rowJob) = Math.DivRem(chunk, RowJobs);
        long tiles = RowProductKernel.TilesOf(Rows);
        long panels = PanelPacking.PanelsOf(Columns);
        Part part = new()
        {
            FirstTile = (int)(tiles * rowJob / RowJobs), EndTile = (int)(tiles * (rowJob + 1) / RowJobs),
            FirstPanel = (int)(panels * columnJob / ColumnJobs), EndPanel = (int)(panels * (columnJob + 1) / ColumnJobs),
            Room = Scratch + (worker * ScratchOf(Columns, ColumnJobs)),
        };
        float* right = part.Room + TileSize + (2 * LeftSize);
        for (long first = 0; first < Depth; first += DepthAtOnce)
        {
            part.First = (nint)first;
            part.Depth = (int)Math.Min(DepthAtOnce, Depth - first);
            PanelPacking.FromRows(Right + (part.First * Columns), Columns, part.Depth, part.FirstPanel, part.EndPanel, right);
            float* left = part.Room + TileSize;
            float* next = left + LeftSize;
            Pack(part, part.FirstTile, 0, part.Depth, left);
            for (int group = part.FirstTile; group < part.EndTile; group += TilesAtOnce)
            {
                Multiply(part, group, left, right, next);
                float* used = left;
                left = next;
                next = used;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Multiply(Part part, int group, float* left, float* right, float* next)
    {
        int groupEnd = Math.Min(group + TilesAtOnce, part.EndTile);
        int steps = (groupEnd - group) * (part.EndPanel - part.FirstPanel);
        int step = 0;
        for (int panel = part.FirstPanel; panel < part.EndPanel; panel++)
        {
            int width = Math.Min(ProductTile.Columns, Columns - (panel * ProductTile.Columns));
            for (int tile = group; tile < groupEnd; tile++, step++)
            {
                nint row = (nint)tile * ProductTile.Rows;
                int count = (int)Math.Min(ProductTile.Rows, Rows - row);
                bool isWhole = count == ProductTile.Rows && width == ProductTile.Columns;
                float* target = Gradient + (row * Columns) + ((nint)panel * ProductTile.Columns);
                if (!isWhole)
                {
                    TileRows.Copy(target, Columns, part.Room, ProductTile.Columns, count, width);
                }

                (nint ahead, nint aheadStep) = Ahead(part, group, tile - group, panel - part.FirstPanel);
                ProductTile.Multiply(
                    left + ((nint)(tile - group) * part.Depth * ProductTile.Rows), 1, ProductTile.Rows,
                    right + ((nint)(panel - part.FirstPanel) * part.Depth * ProductTile.Columns),
                    isWhole ? target : part.Room, isWhole ? Columns : ProductTile.Columns, part.Depth, accumulate: true, (float*)ahead, aheadStep);
                if (!isWhole)
                {
                    TileRows.Copy(part.Room, ProductTile.Columns, target, Columns, count, width);
                }

                Pack(part, groupEnd, part.Depth * step / steps, part.Depth * (step + 1) / steps, next);
            }
        }
    }

    /// <summary>With the first panel the columns of the group after the next, a line of every row; with the second what the group's share of the right operand's next piece is.</summary>
    private readonly (nint Address, nint Step) Ahead(Part part, int group, int tile, int panel)
    {
        int after = Math.Min(group + (2 * TilesAtOnce), part.EndTile);
        nint share = (nint)(group - part.FirstTile) * DepthAtOnce / (part.EndTile - part.FirstTile);
        return panel switch
        {
            0 => ((nint)(Left + (part.First * Rows) + ((nint)after * ProductTile.Rows) + (tile * Line)), Rows),
            1 => ((nint)(Right + ((part.First + DepthAtOnce + share) * Columns) + ((nint)tile * part.Depth * Line)), Line),
            _ => ((nint)Left, 0),
        };
    }

    private readonly void Pack(Part part, int group, int first, int end, float* target)
    {
        int tiles = Math.Min(TilesAtOnce, part.EndTile - group);
        if (tiles > 0)
        {
            nint column = (nint)group * ProductTile.Rows;
            PanelPacking.Left(
                Left + (part.First * Rows) + column, Rows, first, end, part.Depth, (int)Math.Min((nint)tiles * ProductTile.Rows, Rows - column), target);
        }
    }

    private struct Part
    {
        public int FirstTile;
        public int EndTile;
        public int FirstPanel;
        public int EndPanel;
        public float* Room;
        public nint First;
        public int Depth;
    }
}
