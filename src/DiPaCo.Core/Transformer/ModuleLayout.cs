using System.Collections.Immutable;

namespace DiPaCo.Core;

/// <summary>
/// Where each tensor of a module lies in the module's one flat buffer. Every tensor starts at a multiple of
/// <see cref="Alignment"/> elements, so that the fp32 master and its bf16 copy are both aligned to 64 bytes.
/// Matrices come first, gains last: weight decay applies to one prefix of the buffer.
/// Padding elements are zero and stay zero.
/// </summary>
public sealed class ModuleLayout
{
    /// <summary>Alignment of each tensor, in elements.</summary>
    public const int Alignment = 32;

    /// <summary>Most elements of a module, padding included: it must fit into one array.</summary>
    public const long MostElements = 0x7FFF_FFC0;

    private ModuleLayout(ImmutableArray<TransformerPart> parts, ImmutableArray<NamedTensor> tensors, long decayLength, long length)
    {
        Parts = parts;
        Tensors = tensors;
        DecayLength = decayLength;
        Length = length;
    }

    /// <summary>The parts that the module owns, bottom up.</summary>
    public ImmutableArray<TransformerPart> Parts { get; }

    /// <summary>The tensors in the order of the buffer.</summary>
    public ImmutableArray<NamedTensor> Tensors { get; }

    /// <summary>Length of the prefix that holds the matrices, in elements.</summary>
    public long DecayLength { get; }

    /// <summary>Length of the buffer in elements, padding included.</summary>
    public long Length { get; }

    /// <summary>Number of parameters, padding excluded.</summary>
    public long Parameters => Tensors.Sum(tensor => tensor.Length);

    /// <summary>Lays out the tensors of <paramref name="parts"/>.</summary>
    public static ModuleLayout Of(TransformerShape shape, IEnumerable<TransformerPart> parts)
    {
        ImmutableArray<TransformerPart> ordered = [.. parts];
        List<NamedTensor> matrices = [];
        List<NamedTensor> gains = [];
        foreach (TransformerPart part in ordered)
        {
            AddTensors(shape, part, matrices, gains);
        }

        ImmutableArray<NamedTensor>.Builder tensors = ImmutableArray.CreateBuilder<NamedTensor>(matrices.Count + gains.Count);
        long offset = Place(matrices, 0, tensors);
        long length = Place(gains, offset, tensors);
        return new ModuleLayout(ordered, tensors.MoveToImmutable(), offset, length);
    }

    private static void AddTensors(TransformerShape shape, TransformerPart part, List<NamedTensor> matrices, List<NamedTensor> gains)
    {
        int block = part.Block;
        switch (part.Kind)
        {
            case TransformerPartKind.Embedding:
                matrices.Add(new(TensorNames.Embedding, shape.Vocabulary, shape.Width, 0));
                break;
            case TransformerPartKind.Block:
                matrices.Add(new(TensorNames.Qkv(block), shape.QkvRows, shape.Width, 0));
                matrices.Add(new(TensorNames.AttentionOutput(block), shape.Width, shape.Heads * shape.HeadWidth, 0));
                matrices.Add(new(TensorNames.Up(block), shape.UpRows, shape.Width, 0));
                matrices.Add(new(TensorNames.Down(block), shape.Width, shape.FeedForward, 0));
                gains.Add(new(TensorNames.AttentionNorm(block), shape.Width, 0, 0));
                gains.Add(new(TensorNames.FeedForwardNorm(block), shape.Width, 0, 0));
                break;
            case TransformerPartKind.Head:
                gains.Add(new(TensorNames.FinalNorm, shape.Width, 0, 0));
                if (!shape.TiedEmbedding)
                {
                    matrices.Add(new(TensorNames.Head, shape.OutputRows, shape.Width, 0));
                }

                break;
        }
    }

    private static long Place(List<NamedTensor> tensors, long offset, ImmutableArray<NamedTensor>.Builder placed)
    {
        foreach (NamedTensor tensor in tensors)
        {
            placed.Add(tensor with { Offset = offset });
            offset += (tensor.Length + Alignment - 1) / Alignment * Alignment;
        }

        return offset;
    }
}
