using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels.Cpu.Amx;
using DiPaCo.Model.Kernels.Cpu.Fp32;
using static TorchSharp.torch;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>Creates the CPU's kernels for a compute type.</summary>
internal static class CpuKernels
{
    public static IKernels Create(TransformerShape shape, ComputeType type) => type == ComputeType.Bf16
        ? new CpuKernels<BFloat16Element>(shape)
        : new CpuKernels<Float32Element>(shape);
}

/// <summary>Fused loops over memory on all threads. Each operation passes over its operands once.</summary>
internal sealed unsafe class CpuKernels<TElement>(TransformerShape shape) : IKernels
    where TElement : IElement
{
    private readonly WorkerThreads _threads = new();
    private readonly AmxLinear _linear = new();
    private readonly Fp32Linear _fp32 = new();
    private readonly RotaryTable _rotary = new(shape.HeadWidth, shape.RopeBase);
    private readonly ScratchMemory _scratch = new();

    public void Embed(TensorBuffer tokens, Parameter embedding, TensorBuffer residual) => _threads.Run(
        new EmbedKernel<TElement>
        {
            Tokens = (int*)tokens.Pointer, Embedding = embedding.ComputePointer, Residual = residual.Floats, Count = tokens.Rows, Width = shape.Width,
        },
        Chunks(tokens.Rows, EmbedKernel<TElement>.Rows));

    public void EmbedBackward(TensorBuffer tokens, TensorBuffer residualGradient, Parameter embedding) => _threads.Run(
        new EmbedBackwardKernel
        {
            Tokens = (int*)tokens.Pointer, ResidualGradient = residualGradient.Floats, EmbeddingGradient = embedding.GradientPointer,
            Count = tokens.Rows, Width = shape.Width,
        },
        Chunks(shape.Width, EmbedBackwardKernel.Columns));

    public void AddNorm(TensorBuffer residual, TensorBuffer? delta, TensorBuffer sum, Parameter gain, TensorBuffer normed, TensorBuffer inverseRoot) => _threads.Run(
        new AddNormKernel<TElement>
        {
            Residual = residual.Floats, Delta = delta is null ? null : delta.Pointer, Sum = sum.Floats, Gain = gain.MasterPointer,
            Normed = normed.Pointer, InverseRoot = inverseRoot.Floats, Count = residual.Rows, Width = shape.Width, Epsilon = (float)shape.NormEpsilon,
        },
        Chunks(residual.Rows, AddNormKernel<TElement>.Rows));

    public void NormBackward(
        TensorBuffer normedGradient, TensorBuffer residual, TensorBuffer inverseRoot, Parameter gain,
        TensorBuffer residualGradient, TensorBuffer delta, bool first)
    {
        long chunks = Chunks(residual.Rows, NormBackwardKernel<TElement>.Rows);
        float* parts = (float*)_scratch.Take((nuint)(chunks * shape.Width * sizeof(float)));
        _threads.Run(
            new NormBackwardKernel<TElement>
            {
                NormedGradient = normedGradient.Pointer, Input = residual.Floats, InverseRoot = inverseRoot.Floats, Gain = gain.MasterPointer,
                ResidualGradient = residualGradient.Floats, Delta = delta.Pointer, GainParts = parts, Count = residual.Rows, Width = shape.Width, First = first,
            },
            chunks);
        _threads.Run(
            new SumRowsKernel { Parts = parts, Target = gain.GradientPointer, Rows = chunks, Width = shape.Width },
            Chunks(shape.Width, SumRowsKernel.Columns));
    }

    public void Attention(AttentionGeometry geometry, TensorBuffer qkv, TensorBuffer heads, TensorBuffer logSums)
    {
        AttentionOperands on = OperandsOf(geometry, qkv, heads, logSums);
        void* scratch = AttentionScratch(on.Tiles);
        if (UsesAmx)
        {
            _threads.Run(new AmxAttentionKernel { On = on, Scratch = (byte*)scratch }, on.Chunks);
            return;
        }

        _threads.Run(new AttentionKernel<TElement> { On = on, Scratch = (float*)scratch }, on.Chunks);
    }

    public void AttentionBackward(AttentionGeometry geometry, TensorBuffer qkv, TensorBuffer heads, TensorBuffer logSums, TensorBuffer headsGradient)
    {
        AttentionOperands on = OperandsOf(geometry, qkv, heads, logSums);
        void* scratch = AttentionScratch(on.Tiles);
        if (UsesAmx)
        {
            _threads.Run(new AmxAttentionBackwardKernel { On = on, HeadsGradient = headsGradient.Pointer, Scratch = (byte*)scratch }, on.Chunks);
            return;
        }

        _threads.Run(new AttentionBackwardKernel<TElement> { On = on, HeadsGradient = headsGradient.Pointer, Scratch = (float*)scratch }, on.Chunks);
    }

    public void Activate(Activation activation, TensorBuffer up, TensorBuffer inner)
    {
        if (activation == Activation.SwiGlu)
        {
            _threads.Run(
                new SwiGluKernel<TElement> { Up = up.Pointer, Inner = inner.Pointer, Count = up.Rows, Width = shape.FeedForward },
                Chunks(up.Rows, SwiGluKernel<TElement>.Rows));
        }
        else
        {
            Gelu(up, inner, backward: false);
        }
    }

    public void ActivateBackward(Activation activation, TensorBuffer up, TensorBuffer inner)
    {
        if (activation == Activation.SwiGlu)
        {
            _threads.Run(
                new SwiGluBackwardKernel<TElement> { Up = up.Pointer, Inner = inner.Pointer, Count = up.Rows, Width = shape.FeedForward },
                Chunks(up.Rows, SwiGluBackwardKernel<TElement>.Rows));
        }
        else
        {
            Gelu(up, inner, backward: true);
        }
    }

    public void CrossEntropy(TensorBuffer logits, TensorBuffer targets, TensorBuffer losses, long firstToken, float scale) => _threads.Run(
        new CrossEntropyKernel<TElement>
        {
            Logits = logits.Pointer, Targets = (int*)targets.Pointer + firstToken, Losses = losses.Floats + firstToken,
            Vocabulary = shape.OutputRows, Scale = scale,
        },
        logits.Rows);

    public void Multiply(MatrixRows x, Parameter weight, TensorBuffer y)
    {
        if (UsesAmx && AmxLinear.Fits(weight))
        {
            _linear.Multiply(x, weight, y);
            return;
        }

        if (UsesFp32)
        {
            _fp32.Multiply(x, weight, y);
            return;
        }

        MultiplyInto(y.Value, x.Value, weight.ComputeTransposed);
    }

    public void MultiplyBack(TensorBuffer dy, Parameter weight, MatrixRows dx)
    {
        if (UsesAmx && AmxLinear.Fits(weight))
        {
            _linear.MultiplyBack(dy, weight, dx);
            return;
        }

        if (UsesFp32)
        {
            _fp32.MultiplyBack(dy, weight, dx);
            return;
        }

        MultiplyInto(dx.Value, dy.Value, weight.Compute);
    }

    public void AddWeightGradient(TensorBuffer dy, MatrixRows x, Parameter weight)
    {
        if (UsesAmx && AmxLinear.Fits(weight))
        {
            _linear.AddWeightGradient(dy, x, weight);
        }
        else if (UsesFp32)
        {
            _fp32.AddWeightGradient(dy, x, weight);
        }
        else if (ReferenceEquals(weight.Product, weight.Gradient))
        {
            weight.Gradient.addmm_(dy.Transposed, x.Value, beta: 1, alpha: 1);
        }
        else
        {
            MultiplyInto(weight.Product, dy.Transposed, x.Value);
            _threads.Run(
                new AddGradientKernel<TElement> { Product = weight.ProductPointer, Gradient = weight.GradientPointer, Count = weight.Layout.Length },
                Chunks(weight.Layout.Length, AddGradientKernel<TElement>.Elements));
        }
    }

    public void Cast(TensorBuffer source, TensorBuffer destination, long offset, long length) => _threads.Run(
        new CastKernel<TElement>
        {
            Source = source.Floats + offset, Destination = (byte*)destination.Pointer + (offset * TElement.Size), Count = length,
        },
        Chunks(length, CastKernel<TElement>.Elements));

    public double SumOfSquares(TensorBuffer values)
    {
        long chunks = Chunks(values.Length, SumOfSquaresKernel.Elements);
        double* sums = (double*)_scratch.Take((nuint)(chunks * sizeof(double)));
        _threads.Run(new SumOfSquaresKernel { Values = values.Floats, Sums = sums, Count = values.Length }, chunks);
        double sum = 0;
        for (long chunk = 0; chunk < chunks; chunk++)
        {
            sum += sums[chunk];
        }

        return sum;
    }

    public void AdamW(PathParameters parameters, TensorBuffer moment1, TensorBuffer moment2, AdamWStep step)
    {
        foreach (ParameterSegment segment in parameters.Segments)
        {
            AdamW(parameters.Buffers, moment1, moment2, step, segment.Offset, segment.DecayLength, step.WeightDecay);
            AdamW(parameters.Buffers, moment1, moment2, step, segment.Offset + segment.DecayLength, segment.Length - segment.DecayLength, 0);
        }
    }

    public void Dispose()
    {
        _rotary.Dispose();
        _linear.Dispose();
        _fp32.Dispose();
        _scratch.Dispose();
    }

    private static long Chunks(long items, long perChunk) => (items + perChunk - 1) / perChunk;

    private void MultiplyInto(Tensor destination, Tensor left, Tensor right)
    {
        if (TiledProduct.IsNeeded(destination))
        {
            TiledProduct.Multiply(_threads, left, right, destination);
            return;
        }

        destination.addmm_(left, right, beta: 0, alpha: 1);
    }

    private void Gelu(TensorBuffer up, TensorBuffer inner, bool backward) => _threads.Run(
        new GeluKernel<TElement> { Up = up.Pointer, Inner = inner.Pointer, Count = up.Length, Backward = backward },
        Chunks(up.Length, GeluKernel<TElement>.Elements));

    private void AdamW(
        PathBuffers buffers, TensorBuffer moment1, TensorBuffer moment2, AdamWStep step, long offset, long count, double weightDecay) => _threads.Run(
        new AdamWKernel<TElement>
        {
            Parameters = buffers.Master.Floats + offset,
            Gradient = buffers.Gradient.Floats + offset,
            Moment1 = moment1.Floats + offset,
            Moment2 = moment2.Floats + offset,
            Compute = ReferenceEquals(buffers.Compute, buffers.Master) ? null : (byte*)buffers.Compute.Pointer + (offset * TElement.Size),
            Count = count,
            GradientScale = (float)step.GradientScale,
            Mix1 = (float)(1 - step.Beta1),
            Mix2 = (float)(1 - step.Beta2),
            Rate = (float)(step.LearningRate / step.Correction1),
            RootCorrection = (float)(1 / Math.Sqrt(step.Correction2)),
            Epsilon = (float)step.Epsilon,
            Keep = (float)(1 - (step.LearningRate * weightDecay)),
        },
        Chunks(count, AdamWKernel<TElement>.Elements));

    private static bool UsesFp32 => typeof(TElement) == typeof(Float32Element) && ProductTile.IsSupported;

    /// <summary>Which arithmetic attention has is a matter of the processor and of the compute type alone.</summary>
    private static bool UsesAmx => typeof(TElement) == typeof(BFloat16Element) && AmxProduct.IsSupported;

    private AttentionOperands OperandsOf(AttentionGeometry geometry, TensorBuffer qkv, TensorBuffer heads, TensorBuffer logSums) => new()
    {
        Geometry = geometry, Tiles = UsesAmx ? AmxAttention.TilesOf(geometry) : new AttentionTiles(geometry), Rotation = _rotary.Upto(geometry.Length),
        Qkv = qkv.Pointer, Heads = heads.Pointer, LogSums = logSums.Floats, Threads = WorkerThreads.Count,
    };

    private void* AttentionScratch(AttentionTiles tiles) =>
        _scratch.Take((nuint)((UsesAmx ? AmxAttention.ScratchBytes(tiles) : tiles.Scratch * sizeof(float)) * WorkerThreads.Count));
}
