using DiPaCo.Core;
using DiPaCo.Model.Buffers;
using TorchSharp;
using static TorchSharp.torch;

namespace DiPaCo.Model.Kernels.Composed;

/// <summary>
/// The same operations put together from libtorch's own, for GPUs, and on the CPU as a comparison in tests. Intermediate
/// values are tensors of a dispose scope; results are copied into the buffers.
/// </summary>
internal sealed class ComposedKernels(TransformerShape shape, Device device, long largestScores = ComposedKernels.LargestScores) : IKernels
{
    private const long LargestScores = 64L << 20;

    private readonly ComposedRotary _rotary = new(shape, device);

    public void Embed(TensorBuffer tokens, Parameter embedding, TensorBuffer residual)
    {
        using DisposeScope scope = NewDisposeScope();
        residual.Value.copy_(embedding.Compute.index_select(0, tokens.Value));
    }

    public void EmbedBackward(TensorBuffer tokens, TensorBuffer residualGradient, Parameter embedding)
    {
        using DisposeScope scope = NewDisposeScope();
        // On a GPU index_add adds atomically, in any order; index_put sorts first.
        embedding.Gradient.index_put_(residualGradient.Value, [tokens.Value.to(ScalarType.Int64)], accumulate: true);
    }

    public void AddNorm(TensorBuffer residual, TensorBuffer? delta, TensorBuffer sum, Parameter gain, TensorBuffer normed, TensorBuffer inverseRoot)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x_MD = residual.Value;
        if (delta is not null)
        {
            sum.Value.copy_(x_MD + delta.Value);
            x_MD = sum.Value;
        }

        inverseRoot.Value.copy_((x_MD.square().mean([-1]) + shape.NormEpsilon).rsqrt());
        normed.Value.copy_(x_MD * inverseRoot.Value.unsqueeze(-1) * gain.Master);
    }

    public void NormBackward(
        TensorBuffer normedGradient, TensorBuffer residual, TensorBuffer inverseRoot, Parameter gain,
        TensorBuffer residualGradient, TensorBuffer delta, bool first)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor dy_MD = normedGradient.Value.to(ScalarType.Float32);
        Tensor r_M1 = inverseRoot.Value.unsqueeze(-1);
        Tensor unit_MD = residual.Value * r_M1;
        gain.Gradient.add_((dy_MD * unit_MD).sum([0L]));
        Tensor dyg_MD = dy_MD * gain.Master;
        Tensor dx_MD = (dyg_MD - (unit_MD * (dyg_MD * unit_MD).mean([-1], true))) * r_M1;
        if (first)
        {
            residualGradient.Value.copy_(dx_MD);
        }
        else
        {
            residualGradient.Value.add_(dx_MD);
        }

        delta.Value.copy_(residualGradient.Value);
    }

    public void Attention(AttentionGeometry geometry, TensorBuffer qkv, TensorBuffer heads, TensorBuffer logSums)
    {
        using DisposeScope scope = NewDisposeScope();
        heads.Value.copy_(Attend(geometry, qkv.Value));
    }

    /// <remarks>
    /// Products and softmax one by one under autograd: the backward pass of libtorch's fused attention adds atomically on a GPU, and
    /// then the same step twice does not give the same bytes. As many sequences at once as keep the scores below 256 MiB.
    /// </remarks>
    public void AttentionBackward(AttentionGeometry geometry, TensorBuffer qkv, TensorBuffer heads, TensorBuffer logSums, TensorBuffer headsGradient)
    {
        long scores = (long)geometry.Heads * geometry.Length * geometry.Length;
        int atOnce = (int)Math.Clamp(largestScores / scores, 1, geometry.Sequences);
        for (int first = 0; first < geometry.Sequences; first += atOnce)
        {
            AttentionGeometry part = geometry with { Sequences = Math.Min(atOnce, geometry.Sequences - first) };
            long row = (long)first * geometry.Length;
            long rows = (long)part.Sequences * geometry.Length;
            using DisposeScope scope = NewDisposeScope();
            Tensor leaf = qkv.Value.narrow(0, row, rows).detach().clone().requires_grad_(true);
            using (set_grad_enabled(true))
            {
                Tensor output = AttendStepByStep(part, leaf);
                IList<Tensor> gradients = autograd.grad([output], [leaf], [headsGradient.Value.narrow(0, row, rows)]);
                using IDisposable silent = no_grad();
                qkv.Value.narrow(0, row, rows).copy_(gradients[0]);
            }
        }
    }

    public void Activate(Activation activation, TensorBuffer up, TensorBuffer inner)
    {
        using DisposeScope scope = NewDisposeScope();
        inner.Value.copy_(Activated(activation, up.Value.to(ScalarType.Float32)));
    }

    public void ActivateBackward(Activation activation, TensorBuffer up, TensorBuffer inner)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable recording = set_grad_enabled(true);
        Tensor leaf = up.Value.detach().to(ScalarType.Float32).clone().requires_grad_(true);
        Tensor output = Activated(activation, leaf);
        IList<Tensor> gradients = autograd.grad([output], [leaf], [inner.Value.to(ScalarType.Float32)]);
        using IDisposable silent = no_grad();
        up.Value.copy_(gradients[0]);
        inner.Value.copy_(output);
    }

    public void CrossEntropy(TensorBuffer logits, TensorBuffer targets, TensorBuffer losses, long firstToken, float scale)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor target_C1 = targets.Value.narrow(0, firstToken, logits.Rows).to(ScalarType.Int64).unsqueeze(-1);
        Tensor scored_C1 = target_C1.ge(0);
        Tensor safe_C1 = target_C1.clamp_min(0);
        Tensor logProbabilities_CV = nn.functional.log_softmax(logits.Value.to(ScalarType.Float32), -1);
        Tensor loss_C1 = -logProbabilities_CV.gather(1, safe_C1) * scored_C1;
        losses.Value.narrow(0, firstToken, logits.Rows).copy_(loss_C1.squeeze(-1));
        if (scale != 0)
        {
            Tensor gradient_CV = logProbabilities_CV.exp();
            gradient_CV.scatter_(1, safe_C1, gradient_CV.gather(1, safe_C1) - 1);
            logits.Value.copy_(gradient_CV * scored_C1 * scale);
        }
    }

    public void Multiply(MatrixRows x, Parameter weight, TensorBuffer y) => y.Value.addmm_(x.Value, weight.ComputeTransposed, beta: 0, alpha: 1);

    public void MultiplyBack(TensorBuffer dy, Parameter weight, MatrixRows dx) => dx.Value.addmm_(dy.Value, weight.Compute, beta: 0, alpha: 1);

    public void AddWeightGradient(TensorBuffer dy, MatrixRows x, Parameter weight)
    {
        // In fp32 the product adds to the gradient itself; in bf16 it goes through scratch.
        bool isDirect = ReferenceEquals(weight.Product, weight.Gradient);
        weight.Product.addmm_(dy.Transposed, x.Value, beta: isDirect ? 1 : 0, alpha: 1);
        if (!isDirect)
        {
            weight.Gradient.add_(weight.Product);
        }
    }

    public void Cast(TensorBuffer source, TensorBuffer destination, long offset, long length)
    {
        using DisposeScope scope = NewDisposeScope();
        destination.Value.narrow(0, offset, length).copy_(source.Value.narrow(0, offset, length));
    }

    public double SumOfSquares(TensorBuffer values)
    {
        using DisposeScope scope = NewDisposeScope();
        return values.Value.square().sum(ScalarType.Float64).item<double>();
    }

    public void AdamW(PathParameters parameters, TensorBuffer moment1, TensorBuffer moment2, AdamWStep step)
    {
        using DisposeScope scope = NewDisposeScope();
        PathBuffers buffers = parameters.Buffers;
        Tensor g = buffers.Gradient.Value.mul_(step.GradientScale);
        Tensor m = moment1.Value;
        Tensor v = moment2.Value;
        m.mul_(step.Beta1).add_(g, 1 - step.Beta1);
        v.mul_(step.Beta2).addcmul_(g, g, 1 - step.Beta2);
        foreach (ParameterSegment segment in parameters.Segments)
        {
            buffers.Master.Value.narrow(0, segment.Offset, segment.DecayLength).mul_(1 - (step.LearningRate * step.WeightDecay));
        }

        Tensor divisor = v.sqrt().mul_(1 / Math.Sqrt(step.Correction2)).add_(step.Epsilon);
        buffers.Master.Value.addcdiv_(m, divisor, -step.LearningRate / step.Correction1);
        g.zero_();
        if (!ReferenceEquals(buffers.Compute, buffers.Master))
        {
            buffers.Compute.Value.copy_(buffers.Master.Value);
        }
    }

    public void Dispose() => _rotary.Dispose();

    private Tensor Activated(Activation activation, Tensor up)
    {
        if (activation == Activation.Gelu)
        {
            Tensor u = 0.7978845608028654 * (up + (0.044715 * up * up * up));
            return up * sigmoid(2 * u);
        }

        Tensor gate = up.narrow(-1, 0, shape.FeedForward);
        return gate * sigmoid(gate) * up.narrow(-1, shape.FeedForward, shape.FeedForward);
    }

    private Tensor Attend(AttentionGeometry geometry, Tensor qkv)
    {
        (Tensor q_BHTW, Tensor k_BHTW, Tensor v_BHTW) = Split(geometry, qkv);
        return Joined(geometry, nn.functional.scaled_dot_product_attention(q_BHTW, k_BHTW, v_BHTW, is_casual: true));
    }

    private Tensor AttendStepByStep(AttentionGeometry geometry, Tensor qkv)
    {
        (Tensor q_BHTW, Tensor k_BHTW, Tensor v_BHTW) = Split(geometry, qkv);
        Tensor later_TT = ones(geometry.Length, geometry.Length, ScalarType.Bool, device).triu(1);
        Tensor scores_BHTT = (q_BHTW.matmul(k_BHTW.transpose(-2, -1)).to(ScalarType.Float32) * geometry.Scale).masked_fill(later_TT, float.NegativeInfinity);
        return Joined(geometry, scores_BHTT.softmax(-1).to(qkv.dtype).matmul(v_BHTW));
    }

    private (Tensor Q, Tensor K, Tensor V) Split(AttentionGeometry geometry, Tensor qkv)
    {
        (int b, int t, int h, int kv, int width) = geometry;
        Tensor all = qkv.view(b, t, h + (2 * kv), width).transpose(1, 2);
        return (
            _rotary.Rotate(all.narrow(1, 0, h), t),
            Spread(_rotary.Rotate(all.narrow(1, h, kv), t), geometry.Group),
            Spread(all.narrow(1, h + kv, kv), geometry.Group));
    }

    private static Tensor Joined(AttentionGeometry geometry, Tensor heads_BHTW) =>
        heads_BHTW.transpose(1, 2).reshape((long)geometry.Sequences * geometry.Length, geometry.OutputWidth);

    /// <summary>Gives each query head of a group its own copy of the group's key or value head.</summary>
    private static Tensor Spread(Tensor x, int group) => group == 1 ? x : x.repeat_interleave(group, 1);
}
