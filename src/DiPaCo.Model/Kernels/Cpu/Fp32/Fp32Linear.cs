using DiPaCo.Model.Buffers;

namespace DiPaCo.Model.Kernels.Cpu.Fp32;

/// <summary>
/// The three products of a linear layer in fp32. Not libtorch's: on half of today's processors that library does not use the vectors that they have, its bits are others on every make,
/// and in a path's shapes it stays some way below its own rate for large squares. How the work is cut does not reach the result (<see cref="ProductTile"/>).
/// </summary>
internal sealed unsafe class Fp32Linear : IDisposable
{
    private const int TilesOfJob = 8;
    private const long PanelBytes = 1 << 19;
    private const long PackedBytes = 1 << 23;
    private const int Deep = 3072;
    private const int MostPanels = 24;
    private const int MostColumns = 1024;

    private readonly WorkerThreads _threads = new();
    private readonly ScratchMemory _scratch = new();

    /// <summary>y = x·Wᵀ.</summary>
    public void Multiply(MatrixRows x, Parameter weight, TensorBuffer y)
    {
        (int n, int k) = (weight.Layout.Rows, weight.Layout.Columns);
        Run((float*)x.Pointer, x.Count, k, n, (float*)weight.ComputePointer, byColumns: true, (float*)y.Pointer);
    }

    /// <summary>dx = dy·W.</summary>
    public void MultiplyBack(TensorBuffer dy, Parameter weight, MatrixRows dx)
    {
        (int n, int k) = (weight.Layout.Rows, weight.Layout.Columns);
        Run((float*)dy.Pointer, dy.Rows, n, k, (float*)weight.ComputePointer, byColumns: false, (float*)dx.Pointer);
    }

    /// <summary>dW += dyᵀ·x.</summary>
    public void AddWeightGradient(TensorBuffer dy, MatrixRows x, Parameter weight)
    {
        (int n, int k) = (weight.Layout.Rows, weight.Layout.Columns);

        // The side that is not divided is brought into order by every thread, so the longer one is; and what a thread has of the columns has to fit its cache.
        int columnJobs = Math.Max((k + MostColumns - 1) / MostColumns, k > n ? WorkerThreads.Count : 1);
        int rowJobs = (WorkerThreads.Count + columnJobs - 1) / columnJobs;
        columnJobs = Math.Min(columnJobs, PanelPacking.PanelsOf(k));
        rowJobs = (int)Math.Min(rowJobs, RowProductKernel.TilesOf(n));
        nint scratch = GradientProductKernel.ScratchOf(k, columnJobs);
        _threads.Run(
            new GradientProductKernel
            {
                Left = (float*)dy.Pointer, Right = (float*)x.Pointer, Gradient = weight.GradientPointer,
                Scratch = (float*)_scratch.Take((nuint)(scratch * WorkerThreads.Count * sizeof(float))),
                Depth = dy.Rows, Rows = n, Columns = k, RowJobs = rowJobs, ColumnJobs = columnJobs,
            },
            rowJobs * columnJobs);
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    /// <summary>So many jobs that all threads have as many.</summary>
    private static long WholeRounds(long jobs) => (jobs + WorkerThreads.Count - 1) / WorkerThreads.Count * WorkerThreads.Count;

    /// <summary>result = left·right; the right operand is there as [column, depth] or as [depth, column].</summary>
    private void Run(float* left, long rows, int depth, int columns, float* right, bool byColumns, float* result)
    {
        // Panels that a core's cache holds are read again for every tile. Deep ones would not fit: there each is used for many tiles before the next.
        bool isDeep = depth > Deep;
        int tilesOfJob = isDeep ? RowProductKernel.MostTilesAtOnce : TilesOfJob;
        long tiles = RowProductKernel.TilesOf(rows);
        long rowJobs = Math.Min(tiles, WholeRounds((tiles + tilesOfJob - 1) / tilesOfJob));
        long panelBytes = (long)depth * ProductTile.Columns * sizeof(float);
        int panels = PanelPacking.PanelsOf(columns);
        int atOnce = (int)Math.Clamp(PackedBytes / panelBytes, 1, panels);
        int panelsOfJob = isDeep ? MostPanels : (int)Math.Max(1, PanelBytes / panelBytes);
        float* packed = (float*)_scratch.Take((nuint)((panelBytes * atOnce) + (WorkerThreads.Count * RowProductKernel.ScratchSize * sizeof(float))));
        for (int first = 0; first < panels; first += atOnce)
        {
            int count = Math.Min(atOnce, panels - first);
            int columnJobs = (count + panelsOfJob - 1) / panelsOfJob;
            _threads.Run(new PackKernel { Source = right, ByColumns = byColumns, Panels = packed, FirstPanel = first, Depth = depth, Columns = columns }, count);
            _threads.Run(
                new RowProductKernel
                {
                    Left = left, Panels = packed, FirstPanel = first, PanelCount = count, Result = result, Scratch = packed + (panelBytes / sizeof(float) * atOnce),
                    Rows = rows, Depth = depth, Columns = columns, TilesAtOnce = isDeep ? RowProductKernel.MostTilesAtOnce : 1,
                    RowJobs = rowJobs, ColumnJobs = columnJobs,
                },
                rowJobs * columnJobs);
        }
    }
}
