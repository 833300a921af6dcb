using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;
using DiPaCo.Model.Kernels.Composed;
using DiPaCo.Model.Kernels.Cpu;
using DiPaCo.Model.Native;
using TorchSharp;
using static TorchSharp.torch;

namespace DiPaCo.Model;

/// <summary>
/// One path as a transformer that computes losses, gradients, features and logits. Forward and backward are written out
/// over buffers that are allocated once, instead of recorded by autograd: a training step allocates nothing.
/// </summary>
/// <remarks>
/// B sequences, T positions, M = B·T tokens, D width, V vocabulary, C tokens of a chunk.
/// An instance belongs to one thread at a time; its products and loops use all threads of libtorch.
/// </remarks>
public sealed class PathModel : IDisposable
{
    private readonly ComputeOptions _options;
    private readonly IKernels _kernels;
    private readonly Activations _activations;
    private readonly Block[] _blocks;
    private readonly Parameter _embedding;
    private readonly Parameter _finalNorm;
    private readonly Parameter _head;

    /// <summary>Allocates the buffers of a path; parameters are zero until they are written or initialized.</summary>
    /// <param name="shape">The transformer.</param>
    /// <param name="modules">The path's modules; together they own every part once.</param>
    /// <param name="options">Type, device and micro-batch.</param>
    /// <exception cref="ArgumentException">The modules do not make up the transformer.</exception>
    public PathModel(TransformerShape shape, IReadOnlyList<ModuleDefinition> modules, ComputeOptions options)
        : this(shape, modules, options, kernels: null)
    {
    }

    /// <summary>The same with other kernels, which the model then owns: for comparisons and profiles.</summary>
    internal PathModel(TransformerShape shape, IReadOnlyList<ModuleDefinition> modules, ComputeOptions options, IKernels? kernels)
    {
        if (shape is { Outputs: not null, TiedEmbedding: true })
        {
            throw new ArgumentException("An output matrix of classes cannot be the embedding of a vocabulary.", nameof(shape));
        }

        TorchLibrary.Initialize();
        Device device = options.Device ?? CPU;
        ScalarType type = options.Type == ComputeType.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
        Shape = shape;
        _options = options;
        Parameters = new PathParameters(shape, modules, options.Type, device);
        _kernels = kernels ?? (device.type == DeviceType.CPU ? CpuKernels.Create(shape, options.Type) : new ComposedKernels(shape, device));
        _activations = new Activations(shape, type, device);
        _embedding = Parameters[TensorNames.Embedding];
        _finalNorm = Parameters[TensorNames.FinalNorm];
        _head = shape.TiedEmbedding ? _embedding : Parameters[TensorNames.Head];
        _blocks = [.. Enumerable.Range(0, shape.Blocks).Select(number => new Block(shape, number, Parameters, _kernels))];
    }

    /// <summary>The transformer.</summary>
    public TransformerShape Shape { get; }

    /// <summary>The parameters, their gradient and the places of the modules in them.</summary>
    public PathParameters Parameters { get; }

    /// <summary>Bytes of everything whose size depends on the number of tokens, as far as it is allocated by now.</summary>
    public long ActivationBytes => _activations.Bytes;

    internal IKernels Kernels => _kernels;

    /// <summary>Tokens of a micro-batch.</summary>
    internal int MaxTokens => _options.MaxTokens;

    /// <summary>
    /// Forward and backward: adds <paramref name="scale"/> × the gradient of the sum of losses to the gradient buffer.
    /// A batch of more than <see cref="ComputeOptions.MaxTokens"/> tokens is worked off in micro-batches.
    /// </summary>
    /// <param name="tokens_BT">Tokens of B sequences, one behind the other.</param>
    /// <param name="targets_BT">The token to predict at each position; −1 is not scored.</param>
    /// <param name="length">T.</param>
    /// <param name="scale">Usually 1 / number of scored targets of the whole step.</param>
    /// <returns>Sum of the losses of the scored targets, in nats.</returns>
    public double Accumulate(ReadOnlySpan<int> tokens_BT, ReadOnlySpan<int> targets_BT, int length, double scale)
    {
        TokenCheck.Targets(tokens_BT, targets_BT, Shape);
        double sum = 0;
        foreach (Range batch in MicroBatches(tokens_BT, length))
        {
            Forward(tokens_BT[batch], length, training: true);
            sum += HeadLosses(targets_BT[batch], (float)scale, training: true, lossesOut: []);
            Backward(length);
        }

        return sum;
    }

    /// <summary>The loss of every position in nats, 0 where it is not scored. Forward only.</summary>
    /// <param name="tokens_BT">Tokens of B sequences, one behind the other.</param>
    /// <param name="targets_BT">The token to predict at each position; −1 is not scored.</param>
    /// <param name="length">T.</param>
    /// <param name="losses_BT">Receives the losses.</param>
    public void EvaluateLosses(ReadOnlySpan<int> tokens_BT, ReadOnlySpan<int> targets_BT, int length, Span<float> losses_BT)
    {
        TokenCheck.Targets(tokens_BT, targets_BT, Shape);
        ArgumentOutOfRangeException.ThrowIfNotEqual(losses_BT.Length, tokens_BT.Length);
        foreach (Range batch in MicroBatches(tokens_BT, length))
        {
            Forward(tokens_BT[batch], length, training: false);
            HeadLosses(targets_BT[batch], scale: 0, training: false, losses_BT[batch]);
        }
    }

    /// <summary>
    /// Mean of the last block's hidden states, before the final norm, over the first positions of each sequence:
    /// the router's feature (paper §2.4).
    /// </summary>
    /// <param name="tokens_BT">Tokens of B sequences, one behind the other; what follows a sequence's length does not matter.</param>
    /// <param name="length">T.</param>
    /// <param name="lengths_B">Positions of each sequence that count, 1 to T.</param>
    /// <returns>Features, [B, D].</returns>
    public float[] FeaturesOf(ReadOnlySpan<int> tokens_BT, int length, ReadOnlySpan<int> lengths_B)
    {
        TokenCheck.Lengths(tokens_BT, length, lengths_B);
        int[] rows_BT = new int[tokens_BT.Length];
        Array.Fill(rows_BT, -1);
        for (int b = 0; b < lengths_B.Length; b++)
        {
            rows_BT.AsSpan(b * length, lengths_B[b]).Fill(b);
        }

        double[] sums_BD = new double[lengths_B.Length * Shape.Width];
        AddHidden(tokens_BT, length, rows_BT, sums_BD);
        float[] features_BD = new float[sums_BD.Length];
        for (int i = 0; i < features_BD.Length; i++)
        {
            features_BD[i] = (float)(sums_BD[i] / lengths_B[i / Shape.Width]);
        }

        return features_BD;
    }

    /// <summary>
    /// Adds the last block's hidden states, before the final norm, to rows of sums: the router's feature of any stretch of text, in the context that
    /// it stands in. In double precision and in the order of the positions.
    /// </summary>
    /// <param name="tokens_BT">Tokens of B sequences, one behind the other.</param>
    /// <param name="length">T.</param>
    /// <param name="rows_BT">The row that each position adds to; −1: none.</param>
    /// <param name="sums_RD">The sums, [R, D].</param>
    public void AddHidden(ReadOnlySpan<int> tokens_BT, int length, ReadOnlySpan<int> rows_BT, Span<double> sums_RD)
    {
        TokenCheck.InVocabulary(tokens_BT, Shape.Vocabulary, lowest: 0);
        ArgumentOutOfRangeException.ThrowIfNotEqual(rows_BT.Length, tokens_BT.Length);
        foreach (Range batch in MicroBatches(tokens_BT, length))
        {
            Forward(tokens_BT[batch], length, training: false);
            ReadOnlySpan<int> rows_M = rows_BT[batch];
            float[] hidden_MD = new float[rows_M.Length * Shape.Width];
            FlatCopy.Read<float>(_activations.ResidualOut, 0, hidden_MD);
            for (int position = 0; position < rows_M.Length; position++)
            {
                if (rows_M[position] >= 0)
                {
                    Span<double> sum_D = sums_RD.Slice(rows_M[position] * Shape.Width, Shape.Width);
                    ReadOnlySpan<float> hidden_D = hidden_MD.AsSpan(position * Shape.Width, Shape.Width);
                    for (int d = 0; d < sum_D.Length; d++)
                    {
                        sum_D[d] += hidden_D[d];
                    }
                }
            }
        }
    }

    /// <summary>Logits of the token that follows each sequence's last position.</summary>
    /// <param name="tokens_BT">Tokens of B sequences, one behind the other; what follows a sequence's length does not matter.</param>
    /// <param name="length">T.</param>
    /// <param name="lengths_B">Tokens of each sequence, 1 to T.</param>
    /// <returns>Logits, [B, V].</returns>
    public float[] NextTokenLogits(ReadOnlySpan<int> tokens_BT, int length, ReadOnlySpan<int> lengths_B)
    {
        TokenCheck.Lengths(tokens_BT, length, lengths_B);
        TokenCheck.InVocabulary(tokens_BT, Shape.Vocabulary, lowest: 0);
        float[] logits_BV = new float[lengths_B.Length * Shape.OutputRows];
        foreach (Range batch in MicroBatches(tokens_BT, length))
        {
            Forward(tokens_BT[batch], length, training: false);
            (int first, int count) = batch.GetOffsetAndLength(tokens_BT.Length);
            for (int row = 0; row < count / length; row++)
            {
                int sequence = (first / length) + row;
                using DisposeScope scope = NewDisposeScope();
                Tensor logits_1V = LogitsOf((row * length) + lengths_B[sequence] - 1, 1).to(ScalarType.Float32).cpu();
                logits_1V.data<float>().CopyTo(logits_BV, sequence * Shape.OutputRows);
            }
        }

        return logits_BV;
    }

    /// <summary>The output with the largest logit at every position, the first among equals.</summary>
    /// <param name="tokens_BT">Tokens of B sequences, one behind the other.</param>
    /// <param name="length">T.</param>
    /// <param name="best_BT">Receives the outputs' numbers.</param>
    public void BestOutputs(ReadOnlySpan<int> tokens_BT, int length, Span<int> best_BT)
    {
        TokenCheck.InVocabulary(tokens_BT, Shape.Vocabulary, lowest: 0);
        ArgumentOutOfRangeException.ThrowIfNotEqual(best_BT.Length, tokens_BT.Length);
        foreach (Range batch in MicroBatches(tokens_BT, length))
        {
            Forward(tokens_BT[batch], length, training: false);
            (int start, int tokens) = batch.GetOffsetAndLength(tokens_BT.Length);
            for (int first = 0; first < tokens; first += _options.HeadTokens)
            {
                int count = Math.Min(_options.HeadTokens, tokens - first);
                using DisposeScope scope = NewDisposeScope();
                Tensor logits_CV = LogitsOf(first, count).to(ScalarType.Float32).cpu();
                float[] logits = logits_CV.data<float>().ToArray();
                for (int token = 0; token < count; token++)
                {
                    best_BT[start + first + token] = BestOf(logits.AsSpan(token * Shape.OutputRows, Shape.OutputRows));
                }
            }
        }
    }

    /// <summary>
    /// A run of parts of the forward pass, for paths that have it in common. Parts are counted from the embedding, 0, over the blocks
    /// to the head. Every norm is computed from the same residual stream as in a whole pass, so the losses are the same.
    /// </summary>
    /// <param name="first">First part.</param>
    /// <param name="end">The part after the last one.</param>
    /// <param name="batch">Sequences.</param>
    /// <param name="below">The residual stream behind the part before <paramref name="first"/>, fp32 [≥ rows, D]; null from the embedding on.</param>
    /// <param name="above">Receives the residual stream behind the last part; null where that is the head.</param>
    /// <param name="belowRow">The batch's first row below.</param>
    /// <param name="aboveRow">The batch's first row above.</param>
    /// <param name="losses">Receives the loss of every position where the last part is the head.</param>
    internal void EvaluateParts(
        int first, int end, TokenBatch batch, TensorBuffer? below, TensorBuffer? above, long belowRow, long aboveRow, Span<float> losses)
    {
        RefreshCompute();
        Activations a = _activations;
        (int firstBlock, int endBlock) = (Math.Max(0, first - 1), Math.Min(end - 1, _blocks.Length));
        foreach (Range part in MicroBatches(batch.Tokens, batch.Length))
        {
            (int start, int count) = part.GetOffsetAndLength(batch.Tokens.Length);
            a.Resize(count, training: false);
            TensorBuffer entry = a.Block(0).ResidualIn;
            if (below is null)
            {
                FlatCopy.Write<int>(a.Tokens, 0, batch.Tokens.AsSpan(part));
                _kernels.Embed(a.Tokens, _embedding, entry);
            }
            else
            {
                Copy(below, belowRow + start, entry, 0, count);
            }

            bool blocks = endBlock > firstBlock;
            if (blocks)
            {
                Blocks(firstBlock, endBlock, AttentionGeometry.Of(Shape, count / batch.Length, batch.Length));
            }
            else if (above is null)
            {
                _kernels.AddNorm(entry, delta: null, entry, _finalNorm, a.HeadInput, a.InverseRootOut);
            }

            if (above is null)
            {
                HeadLosses(batch.Targets.AsSpan(part), scale: 0, training: false, losses[part]);
            }
            else
            {
                Copy(blocks ? a.ResidualOut : entry, 0, above, aboveRow + start, count);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _activations.Dispose();
        _kernels.Dispose();
        Parameters.Dispose();
    }

    private void Forward(ReadOnlySpan<int> tokens, int length, bool training)
    {
        Activations a = _activations;
        a.Resize(tokens.Length, training);
        FlatCopy.Write(a.Tokens, 0, tokens);
        RefreshCompute();
        _kernels.Embed(a.Tokens, _embedding, a.Block(0).ResidualIn);
        Blocks(0, _blocks.Length, AttentionGeometry.Of(Shape, tokens.Length / length, length));
    }

    /// <summary>From the residual stream at the entrance of a block to that behind a later one, normed for the head.</summary>
    private void Blocks(int first, int end, AttentionGeometry geometry)
    {
        Activations a = _activations;
        for (int block = first; block < end; block++)
        {
            BlockActivations kept = a.Block(block);
            _blocks[block].Forward(geometry, a, kept, first: block == first);
            if (block < end - 1)
            {
                BlockActivations next = a.Block(block + 1);
                _kernels.AddNorm(kept.ResidualMid, a.Delta, next.ResidualIn, _blocks[block + 1].AttentionNorm, next.AttentionInput, next.InverseRootIn);
            }
            else
            {
                _kernels.AddNorm(kept.ResidualMid, a.Delta, a.ResidualOut, _finalNorm, a.HeadInput, a.InverseRootOut);
            }
        }
    }

    private void Backward(int length)
    {
        Activations a = _activations;
        AttentionGeometry geometry = AttentionGeometry.Of(Shape, (int)(a.Tokens.Rows / length), length);
        _kernels.NormBackward(a.HeadInput, a.ResidualOut, a.InverseRootOut, _finalNorm, a.ResidualGradient, a.Delta, first: true);
        for (int block = _blocks.Length - 1; block >= 0; block--)
        {
            _blocks[block].Backward(geometry, a, a.Block(block));
        }

        _kernels.EmbedBackward(a.Tokens, a.ResidualGradient, _embedding);
    }

    /// <summary>
    /// The output matrix and the loss, a chunk of tokens at a time. In training each chunk's logits become their gradient
    /// and the head's input becomes its own.
    /// </summary>
    private double HeadLosses(ReadOnlySpan<int> targets, float scale, bool training, Span<float> lossesOut)
    {
        Activations a = _activations;
        FlatCopy.Write(a.Targets, 0, targets);
        for (int first = 0; first < targets.Length; first += _options.HeadTokens)
        {
            int count = Math.Min(_options.HeadTokens, targets.Length - first);
            a.Logits.Resize(count);
            using Tensor rows = a.HeadInput.Value.narrow(0, first, count);
            MatrixRows hidden_CD = new(a.HeadInput, rows, first);
            _kernels.Multiply(hidden_CD, _head, a.Logits);
            _kernels.CrossEntropy(a.Logits, a.Targets, a.Losses, first, training ? scale : 0);
            if (training)
            {
                _kernels.AddWeightGradient(a.Logits, hidden_CD, _head);
                _kernels.MultiplyBack(a.Logits, _head, hidden_CD);
            }
        }

        float[] losses = new float[targets.Length];
        FlatCopy.Read<float>(a.Losses, 0, losses);
        losses.AsSpan(0, lossesOut.Length).CopyTo(lossesOut);
        double sum = 0;
        foreach (float loss in losses)
        {
            sum += loss;
        }

        return sum;
    }

    /// <summary>Logits of some of the tokens, until the next are asked for.</summary>
    private Tensor LogitsOf(long first, long count)
    {
        Activations a = _activations;
        a.Logits.Resize(count);
        using Tensor rows = a.HeadInput.Value.narrow(0, first, count);
        _kernels.Multiply(new MatrixRows(a.HeadInput, rows, first), _head, a.Logits);
        return a.Logits.Value;
    }

    private void RefreshCompute()
    {
        foreach (ParameterSegment segment in Parameters.StaleSegments)
        {
            if (_options.Type == ComputeType.Bf16)
            {
                _kernels.Cast(Parameters.Buffers.Master, Parameters.Buffers.Compute, segment.Offset, segment.Length);
            }
        }

        Parameters.IsComputeStale = false;
    }

    private static int BestOf(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int output = 1; output < logits.Length; output++)
        {
            best = logits[output] > logits[best] ? output : best;
        }

        return best;
    }

    private static void Copy(TensorBuffer source, long sourceRow, TensorBuffer destination, long destinationRow, long rows)
    {
        using DisposeScope scope = NewDisposeScope();
        destination.Value.narrow(0, destinationRow, rows).copy_(source.Value.narrow(0, sourceRow, rows));
    }

    private List<Range> MicroBatches(ReadOnlySpan<int> tokens, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        if (tokens.Length == 0 || tokens.Length % length != 0)
        {
            throw new ArgumentException($"{tokens.Length} tokens are not a whole number of sequences of {length}.", nameof(tokens));
        }

        int step = Math.Max(1, _options.MaxTokens / length) * length;
        List<Range> batches = [];
        for (int first = 0; first < tokens.Length; first += step)
        {
            batches.Add(first..Math.Min(first + step, tokens.Length));
        }

        return batches;
    }
}
