using DiPaCo.Core;
using DiPaCo.Model;

namespace DiPaCo.Serving.Inference;

/// <summary>A module's weights in memory, in the type that is served, once for all paths that use it.</summary>
internal sealed unsafe class LoadedModule : IDisposable
{
    private readonly NativeBlock _memory;
    private readonly Dictionary<string, PackedMatrix> _matrices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, nint> _gains = new(StringComparer.Ordinal);

    private LoadedModule(ModuleLayout layout, WeightType type, NativeBlock memory)
    {
        _memory = memory;
        byte* at = (byte*)memory.Pointer;
        foreach (NamedTensor tensor in layout.Tensors)
        {
            if (tensor.IsMatrix)
            {
                float* scales = (float*)(at + PackedMatrix.BytesOf(tensor.Rows, tensor.Columns, type));
                _matrices[tensor.Name] = new PackedMatrix(at, type == WeightType.Q8 ? scales : null, tensor.Rows, tensor.Columns, type);
            }
            else
            {
                _gains[tensor.Name] = (nint)at;
            }

            at += BytesOf(tensor, type);
        }

        foreach (TransformerPart part in layout.Parts)
        {
            switch (part.Kind)
            {
                case TransformerPartKind.Embedding:
                    Embedding = new TableWeights(_matrices[TensorNames.Embedding]);
                    break;
                case TransformerPartKind.Head:
                    FinalNorm = new GainWeights((float*)_gains[TensorNames.FinalNorm]);
                    Head = _matrices.TryGetValue(TensorNames.Head, out PackedMatrix head) ? new TableWeights(head) : null;
                    break;
                default:
                    Blocks[part.Block] = BlockOf(part.Block);
                    break;
            }
        }
    }

    /// <summary>The blocks that the module owns, by their number in the stack.</summary>
    public Dictionary<int, BlockWeights> Blocks { get; } = [];

    /// <summary>The embedding, where the module owns it.</summary>
    public TableWeights? Embedding { get; }

    /// <summary>The last norm, where the module owns it.</summary>
    public GainWeights? FinalNorm { get; }

    /// <summary>The output matrix, where the module owns one.</summary>
    public TableWeights? Head { get; }

    /// <summary>Bytes in memory.</summary>
    public long Bytes => _memory.Bytes;

    /// <summary>Bytes that a module takes.</summary>
    public static long BytesOf(ModuleLayout layout, WeightType type) => layout.Tensors.Sum(tensor => BytesOf(tensor, type));

    /// <summary>Reads a module's file.</summary>
    /// <param name="file">Its safetensors file.</param>
    /// <param name="layout">What the file must hold.</param>
    /// <param name="type">The type to serve it in.</param>
    /// <exception cref="Model.SafeTensors.SafeTensorsException">The file is damaged or of another module.</exception>
    public static LoadedModule Read(string file, ModuleLayout layout, WeightType type)
    {
        using ModulePieces pieces = new(file, layout);
        LoadedModule module = new(layout, type, new NativeBlock(BytesOf(layout, type)));
        try
        {
            float[] buffer = [];
            foreach (NamedTensor tensor in layout.Tensors)
            {
                module.Fill(tensor, pieces, type, ref buffer);
            }

            return module;
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private static long BytesOf(NamedTensor tensor, WeightType type) => tensor.IsMatrix
        ? PackedMatrix.BytesOf(tensor.Rows, tensor.Columns, type) + (type == WeightType.Q8 ? RoundUp(tensor.Rows * 4L) : 0)
        : RoundUp(tensor.Rows * 4L);

    private static long RoundUp(long bytes) => (bytes + 63) / 64 * 64;

    private void Fill(NamedTensor tensor, ModulePieces pieces, WeightType type, ref float[] buffer)
    {
        if (!tensor.IsMatrix)
        {
            pieces.Read(tensor.Offset, new Span<float>((void*)_gains[tensor.Name], tensor.Rows));
            return;
        }

        PackedMatrix matrix = _matrices[tensor.Name];
        if (type == WeightType.Fp32 && matrix.Padded == tensor.Columns)
        {
            pieces.Read(tensor.Offset, new Span<float>(matrix.Data, checked((int)tensor.Length)));
            return;
        }

        // Some rows at a time, so that loading takes little more memory than the module.
        int step = Math.Max(1, (1 << 20) / tensor.Columns);
        if (buffer.Length < step * tensor.Columns)
        {
            buffer = new float[step * tensor.Columns];
        }

        for (int row = 0; row < tensor.Rows; row += step)
        {
            int rows = Math.Min(step, tensor.Rows - row);
            Span<float> part = buffer.AsSpan(0, rows * tensor.Columns);
            pieces.Read(tensor.Offset + ((long)row * tensor.Columns), part);
            matrix.Pack(part, row, rows);
        }
    }

    private BlockWeights BlockOf(int block) => new(
        _matrices[TensorNames.Qkv(block)], _matrices[TensorNames.AttentionOutput(block)], _matrices[TensorNames.Up(block)], _matrices[TensorNames.Down(block)],
        (float*)_gains[TensorNames.AttentionNorm(block)], (float*)_gains[TensorNames.FeedForwardNorm(block)]);
}
