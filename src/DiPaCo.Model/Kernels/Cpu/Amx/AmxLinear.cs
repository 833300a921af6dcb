using DiPaCo.Model.Buffers;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// The three products of a linear layer on the processor's matrix unit. The second operand is brought into pairs in panels of 32 columns, once for
/// all threads; then each thread takes blocks of the result that its cache holds the operands of. How the work is cut follows from the shapes alone.
/// </summary>
internal sealed unsafe class AmxLinear : IDisposable
{
    private const int Block = AmxProduct.Block;
    private const int HalfBlock = Block / 2;
    private const int RowsOfJob = 4 * Block;
    private const int Alignment = 64;

    // What a thread's level 2 cache is to hold of a panel, of sums, and of what is multiplied for them.
    private const long PanelBytes = 1 << 20;
    private const long SumBytes = 1 << 19;
    private const int MostColumns = 8;
    private const int FewestJobs = 4;

    private readonly WorkerThreads _threads = new();
    private readonly ScratchMemory _scratch = new();

    /// <summary>Whether a layer can be computed here.</summary>
    public static bool Fits(Parameter weight) =>
        AmxProduct.IsSupported && weight.Layout is { IsMatrix: true } layout && layout.Rows % HalfBlock == 0 && layout.Columns % HalfBlock == 0;

    /// <summary>y = x·Wᵀ.</summary>
    public void Multiply(MatrixRows x, Parameter weight, TensorBuffer y)
    {
        (int n, int k) = SizeOf(weight);
        Rounded(x, y, depth: k, columns: n, panels => _threads.Run(
            new PackColumnsKernel { Source = (ushort*)weight.ComputePointer, Panels = panels, Depth = k, Columns = n }, BlocksOf(n)));
    }

    /// <summary>dx = dy·W.</summary>
    public void MultiplyBack(TensorBuffer dy, Parameter weight, MatrixRows dx)
    {
        (int n, int k) = SizeOf(weight);
        Rounded(dy, dx, depth: n, columns: k, panels => _threads.Run(
            new PackRowsKernel { Source = (ushort*)weight.ComputePointer, Panels = panels, Depth = n, Columns = k }, BlocksOf(k)));
    }

    /// <summary>dW += dyᵀ·x. The narrower of the two is turned, the other brought into pairs by whoever needs them.</summary>
    public void AddWeightGradient(TensorBuffer dy, MatrixRows x, Parameter weight)
    {
        (int n, int k) = SizeOf(weight);
        bool turnsInput = k < n;
        MatrixRows narrow = turnsInput ? x : dy;
        MatrixRows wide = turnsInput ? dy : x;
        (int rows, int columns) = turnsInput ? (k, n) : (n, k);
        int depth = (int)x.Count;
        if (depth == 0)
        {
            return;
        }

        int chunks = (depth + TurnKernel.Depth - 1) / TurnKernel.Depth;
        int columnBlocks = BlocksOf(columns);
        int most = (int)Math.Clamp(SumBytes / ((long)AmxProduct.Padded(rows) * Block * sizeof(float)), 1, MostColumns);
        int jobs = Math.Min(columnBlocks, Math.Max(FewestJobs, (columnBlocks + most - 1) / most));
        int blocksOfJob = (columnBlocks + jobs - 1) / jobs;

        long turnedBytes = Aligned((long)chunks * AmxProduct.Padded(rows) * TurnKernel.Depth * sizeof(ushort));
        long sumBytes = Aligned((long)AmxProduct.Padded(rows) * blocksOfJob * Block * sizeof(float));
        long panelBytes = Aligned(WeightGradientKernel.PanelBytesOf(blocksOfJob));
        byte* memory = (byte*)_scratch.Take((nuint)(turnedBytes + (WorkerThreads.Count * (sumBytes + panelBytes))));
        _threads.Run(
            new TurnKernel { Source = (ushort*)narrow.Pointer, Turned = (ushort*)memory, Rows = depth, Columns = rows },
            (long)chunks * BlocksOf(rows));
        _threads.Run(
            new WeightGradientKernel
            {
                Turned = (ushort*)memory, Wide = (ushort*)wide.Pointer, Gradient = weight.GradientPointer, Scratch = memory + turnedBytes, SumBytes = sumBytes,
                PanelBytes = panelBytes, Rows = rows, Columns = columns, Depth = depth, Jobs = jobs, IsTurned = turnsInput,
            },
            jobs);
    }

    /// <inheritdoc/>
    public void Dispose() => _scratch.Dispose();

    private delegate void Pack(uint* panels);

    private static (int Rows, int Columns) SizeOf(Parameter weight) => (weight.Layout.Rows, weight.Layout.Columns);

    private static int BlocksOf(int length) => AmxProduct.Padded(length) / Block;

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private void Rounded(MatrixRows left, MatrixRows result, int depth, int columns, Pack pack)
    {
        int columnBlocks = BlocksOf(columns);
        long packedBytes = (long)AmxProduct.Padded(depth) * AmxProduct.Padded(columns) * sizeof(ushort);
        int chunks = (int)Math.Clamp(packedBytes / PanelBytes, 1, columnBlocks);
        long rowJobs = (left.Count + RowsOfJob - 1) / RowsOfJob;
        long roomBytes = Aligned(RoundedProductKernel.ScratchBytes(depth, columns, RowsOfJob));
        byte* memory = (byte*)_scratch.Take((nuint)(packedBytes + (WorkerThreads.Count * roomBytes)));
        pack((uint*)memory);
        _threads.Run(
            new RoundedProductKernel
            {
                Left = (ushort*)left.Pointer, Panels = (uint*)memory, Result = (ushort*)result.Pointer, Scratch = memory + packedBytes,
                Rows = left.Count, RowsOfJob = RowsOfJob, RowJobs = rowJobs, Columns = columns, Depth = depth, Chunks = chunks,
            },
            rowJobs * chunks);
    }
}
