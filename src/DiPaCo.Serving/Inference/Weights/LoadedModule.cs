using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Serving.Inference;

/// <summary>
/// A module's weights, once for all paths that use it. They stay in the module's file, mapped into memory, where they are served as they are stored: in fp32, with
/// rows of whole groups. Others are converted into memory of their own.
/// </summary>
internal sealed unsafe class LoadedModule : IDisposable
{
    private readonly NativeBlock _memory;
    private readonly SafeTensorsMapping? _mapping;
    private readonly Dictionary<string, PackedMatrix> _matrices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, nint> _gains = new(StringComparer.Ordinal);

    private LoadedModule(ModuleLayout layout, WeightType type, SafeTensorsMapping? file, nint[] sources, CancellationToken cancellationToken)
    {
        bool[] stay = [.. layout.Tensors.Select((tensor, i) => file is not null && StaysInFile(tensor, type, sources[i]))];
        _mapping = stay.Contains(true) ? file : null;
        _memory = new NativeBlock(layout.Tensors.Where((_, i) => !stay[i]).Sum(tensor => BytesOf(tensor, type)));
        byte* at = (byte*)_memory.Pointer;
        for (int i = 0; i < sources.Length; i++)
        {
            NamedTensor tensor = layout.Tensors[i];
            if (cancellationToken.IsCancellationRequested)
            {
                _memory.Dispose();
                throw new OperationCanceledException(cancellationToken);
            }

            if (stay[i])
            {
                _matrices[tensor.Name] = new PackedMatrix((byte*)sources[i], null, tensor.Rows, tensor.Columns, type);
                continue;
            }

            Convert(tensor, type, at, (float*)sources[i]);
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

    /// <summary>Bytes that a module takes, in memory of its own and of its file's pages.</summary>
    public static long BytesOf(ModuleLayout layout, WeightType type) => layout.Tensors.Sum(tensor => BytesOf(tensor, type));

    /// <summary>Takes up a module's file, which must not change as long as the module is used.</summary>
    /// <param name="file">Its safetensors file.</param>
    /// <param name="layout">What the file must hold.</param>
    /// <param name="type">The type to serve it in.</param>
    /// <param name="cancellationToken">Ends it between two tensors.</param>
    /// <exception cref="SafeTensorsException">The file is damaged or of another module.</exception>
    public static LoadedModule Read(string file, ModuleLayout layout, WeightType type, CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            return Copied(file, layout, type, cancellationToken);
        }

        SafeTensorsMapping? mapping = SafeTensorsMapping.Open(file);
        try
        {
            // Before memory is taken, so that a file of another module costs none.
            nint[] sources = [.. layout.Tensors.Select(tensor => mapping.AddressOf(TensorSpec.Of(tensor)))];
            LoadedModule module = new(layout, type, mapping, sources, cancellationToken);
            mapping = module._mapping is null ? mapping : null;
            return module;
        }
        finally
        {
            mapping?.Dispose();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _memory.Dispose();
        _mapping?.Dispose();
    }

    /// <summary>As <see cref="Read"/>, without a mapping: on Windows a run in training could not delete a file that is mapped.</summary>
    private static LoadedModule Copied(string file, ModuleLayout layout, WeightType type, CancellationToken cancellationToken)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(file);
        using NativeBlock whole = new(layout.Tensors.Sum(tensor => RoundUp(tensor.Length * sizeof(float))));
        byte* at = (byte*)whole.Pointer;
        nint[] sources = new nint[layout.Tensors.Length];
        for (int i = 0; i < sources.Length; i++)
        {
            sources[i] = (nint)at;
            reader.ReadInto(TensorSpec.Of(layout.Tensors[i]), sources[i], cancellationToken);
            at += RoundUp(layout.Tensors[i].Length * sizeof(float));
        }

        return new LoadedModule(layout, type, null, sources, cancellationToken);
    }

    /// <summary>Whether a tensor can be read as the file has it.</summary>
    private static bool StaysInFile(NamedTensor tensor, WeightType type, nint source) =>
        type == WeightType.Fp32 && tensor.IsMatrix && PackedMatrix.PaddedOf(tensor.Columns) == tensor.Columns && source % 64 == 0;

    private static long BytesOf(NamedTensor tensor, WeightType type) => tensor.IsMatrix
        ? PackedMatrix.BytesOf(tensor.Rows, tensor.Columns, type) + (type == WeightType.Q8 ? RoundUp(tensor.Rows * 4L) : 0)
        : RoundUp(tensor.Rows * 4L);

    private static long RoundUp(long bytes) => (bytes + 63) / 64 * 64;

    private void Convert(NamedTensor tensor, WeightType type, byte* target, float* source)
    {
        if (!tensor.IsMatrix)
        {
            new ReadOnlySpan<float>(source, tensor.Rows).CopyTo(new Span<float>(target, tensor.Rows));
            _gains[tensor.Name] = (nint)target;
            return;
        }

        float* scales = (float*)(target + PackedMatrix.BytesOf(tensor.Rows, tensor.Columns, type));
        PackedMatrix matrix = new(target, type == WeightType.Q8 ? scales : null, tensor.Rows, tensor.Columns, type);
        matrix.Pack(source);
        _matrices[tensor.Name] = matrix;
    }

    private BlockWeights BlockOf(int block) => new(
        _matrices[TensorNames.Qkv(block)], _matrices[TensorNames.AttentionOutput(block)], _matrices[TensorNames.Up(block)], _matrices[TensorNames.Down(block)],
        (float*)_gains[TensorNames.AttentionNorm(block)], (float*)_gains[TensorNames.FeedForwardNorm(block)]);
}
