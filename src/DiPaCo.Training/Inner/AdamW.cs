using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;
using static TorchSharp.torch;

namespace DiPaCo.Training;

/// <summary>
/// AdamW with decoupled weight decay on matrices, bias correction, and clipping by the global norm, in one pass over the
/// flat buffers of a path. Its moments are flat buffers of the parameters' layout.
/// </summary>
public sealed class AdamW : IDisposable
{
    private readonly PathModel _model;
    private readonly InnerOptimizerOptions _options;
    private readonly TensorBuffer _moment1;
    private readonly TensorBuffer _moment2;

    /// <summary>Starts with moments of zero.</summary>
    /// <param name="model">The path to optimize; not owned.</param>
    /// <param name="options">β₁, β₂, ε, weight decay and clipping. The learning rate is given at each step.</param>
    public AdamW(PathModel model, InnerOptimizerOptions options)
    {
        _model = model;
        _options = options;
        Device device = model.Parameters.Buffers.Master.Value.device;
        _moment1 = new TensorBuffer(0, ScalarType.Float32, device, model.Parameters.Length);
        _moment2 = new TensorBuffer(0, ScalarType.Float32, device, model.Parameters.Length);
        _moment1.Clear();
        _moment2.Clear();
    }

    /// <summary>Updates so far, t of the bias correction; stored beside the moments.</summary>
    public long Steps { get; set; }

    /// <summary>
    /// Updates the parameters by the accumulated gradient and sets the gradient to zero.
    /// </summary>
    /// <param name="learningRate">η of this step.</param>
    /// <param name="loss">The step's mean loss: not used but to say, with the gradient, whether the step is sound.</param>
    /// <returns>The norm of the gradient before clipping.</returns>
    /// <exception cref="DiPaCoException">Loss or gradient is not finite; parameters and moments are as before.</exception>
    public double Step(double learningRate, double loss)
    {
        PathParameters parameters = _model.Parameters;
        double norm = Math.Sqrt(_model.Kernels.SumOfSquares(parameters.Buffers.Gradient));
        if (!double.IsFinite(norm) || !double.IsFinite(loss))
        {
            throw new DiPaCoException(
                $"Step {Steps + 1} has loss {loss} and gradient norm {norm}; expected finite numbers, so the update was not made. " +
                $"The learning rate was {learningRate:G4}: lower it or lengthen the warm-up; compute: fp32 tells whether the precision is to blame.");
        }

        Steps++;
        _model.Kernels.AdamW(parameters, _moment1, _moment2, new AdamWStep(
            learningRate, _options.Beta1, _options.Beta2, _options.Epsilon, _options.WeightDecay,
            GradientScale: _options.ClipNorm > 0 && norm > _options.ClipNorm ? _options.ClipNorm / norm : 1,
            Correction1: 1 - Math.Pow(_options.Beta1, Steps),
            Correction2: 1 - Math.Pow(_options.Beta2, Steps)));
        parameters.IsComputeStale = false;
        return norm;
    }

    /// <summary>Copies the moments of a module, padding included.</summary>
    public void ReadMoments(ModuleId module, Span<float> moment1, Span<float> moment2)
    {
        FlatCopy.Read(_moment1, _model.Parameters.Segment(module), moment1);
        FlatCopy.Read(_moment2, _model.Parameters.Segment(module), moment2);
    }

    /// <summary>Replaces the moments of a module, padding included.</summary>
    public void WriteMoments(ModuleId module, ReadOnlySpan<float> moment1, ReadOnlySpan<float> moment2)
    {
        FlatCopy.Write(_moment1, _model.Parameters.Segment(module), moment1);
        FlatCopy.Write(_moment2, _model.Parameters.Segment(module), moment2);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _moment1.Dispose();
        _moment2.Dispose();
    }
}
