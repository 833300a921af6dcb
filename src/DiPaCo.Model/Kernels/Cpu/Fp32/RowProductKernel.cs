using System.Runtime.CompilerServices;

namespace DiPaCo.Model.Kernels.Cpu.Fp32;

/// <summary>
/// result = left·panels. A chunk is some rows of the result in some of its columns. Of its rows, <see cref="TilesAtOnce"/> tiles are multiplied by one panel after the
/// other, in pieces of the depth that a core's first-level cache holds.
/// </summary>
internal unsafe struct RowProductKernel : IChunkKernel
{
    /// <summary>Most tiles that are multiplied by a panel before the next.</summary>
    public const int MostTilesAtOnce = 16;

    private const int DepthAtOnce = 256;
    private const int Line = 64 / sizeof(float);

    public float* Left;
    /// <summary>The first of the panels that are there, which is panel <see cref="FirstPanel"/> of all.</summary>
    public float* Panels;

    public int FirstPanel;
    public int PanelCount;
    public float* Result;
    public float* Scratch;
    public long Rows;
    public int Depth;
    public int Columns;
    public int TilesAtOnce;
    public long RowJobs;
    public int ColumnJobs;

    /// <summary>Floats of scratch of a thread: a tile of the result, and rows of the first operand.</summary>
    public static nint ScratchSize => ProductTile.Rows * (ProductTile.Columns + ((nint)MostTilesAtOnce * DepthAtOnce));

    /// <summary>Tiles that so many rows need.</summary>
    public static long TilesOf(long rows) => (rows + ProductTile.Rows - 1) / ProductTile.Rows;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        (long part, long job) = Math.DivRem(chunk, RowJobs);
        (int firstPanel, int endPanel) = (FirstPanel + (int)(part * PanelCount / ColumnJobs), FirstPanel + (int)((part + 1) * PanelCount / ColumnJobs));
        long tiles = TilesOf(Rows);
        (nint first, nint end) = ((nint)(tiles * job / RowJobs) * ProductTile.Rows, (nint)(tiles * (job + 1) / RowJobs) * ProductTile.Rows);
        nint rows = (nint)TilesAtOnce * ProductTile.Rows;
        for (nint row = first; row < end; row += rows)
        {
            Multiply(row, Math.Min(row + rows, end), firstPanel, endPanel, Scratch + (worker * ScratchSize));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private readonly void Multiply(nint first, nint end, int firstPanel, int endPanel, float* room)
    {
        float* copy = room + (ProductTile.Rows * ProductTile.Columns);

        // Rows far apart share too few places of a cache, and a tile that is not full would read beyond the matrix.
        bool copies = TilesAtOnce > 1 || end > Rows;
        int distance = copies ? DepthAtOnce : Depth;
        for (int k = 0; k < Depth; k += DepthAtOnce)
        {
            int depth = Math.Min(DepthAtOnce, Depth - k);
            float* left = copies ? copy : Left + (first * Depth) + k;
            if (copies)
            {
                Copy(first, end, k, depth, copy);
            }

            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                float* right = Panels + ((((nint)(panel - FirstPanel) * Depth) + k) * ProductTile.Columns);
                int width = Math.Min(ProductTile.Columns, Columns - (panel * ProductTile.Columns));
                for (nint row = first; row < end; row += ProductTile.Rows)
                {
                    float* rows = left + ((row - first) * distance);
                    float* target = Result + (row * Columns) + ((nint)panel * ProductTile.Columns);
                    (nint ahead, nint step) = Ahead(row, k, panel - firstPanel);
                    int count = (int)Math.Min(ProductTile.Rows, Rows - row);
                    if (count == ProductTile.Rows && width == ProductTile.Columns)
                    {
                        ProductTile.Multiply(rows, distance, 1, right, target, Columns, depth, k > 0, Left + ahead, step);
                        continue;
                    }

                    if (k > 0)
                    {
                        TileRows.Copy(target, Columns, room, ProductTile.Columns, count, width);
                    }

                    ProductTile.Multiply(rows, distance, 1, right, room, ProductTile.Columns, depth, k > 0, Left + ahead, step);
                    TileRows.Copy(room, ProductTile.Columns, target, Columns, count, width);
                }
            }
        }
    }

    /// <summary>
    /// What is needed soon of the first operand, with every panel another part of it: in pieces of the depth the next piece of these rows, else the next rows,
    /// which follow upon each other.
    /// </summary>
    private readonly (nint Start, nint Step) Ahead(nint row, int k, int panel)
    {
        if (TilesAtOnce > 1)
        {
            return panel < ProductTile.Rows ? (((row + panel) * Depth) + k + DepthAtOnce, 1) : (row * Depth, 0);
        }

        return panel == 0 ? (((row + ProductTile.Rows) * Depth) + (ProductTile.Rows * k), Line) : (row * Depth, 0);
    }

    private readonly void Copy(nint first, nint end, int k, int depth, float* target)
    {
        for (nint row = first; row < end; row++)
        {
            Span<float> to = new(target + ((row - first) * DepthAtOnce), depth);
            if (row < Rows)
            {
                new ReadOnlySpan<float>(Left + (row * Depth) + k, depth).CopyTo(to);
            }
            else
            {
                to.Clear();
            }
        }
    }
}
