using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using TorchSharp;
using static TorchSharp.torch;
using TensorBuffer = DiPaCo.Model.Buffers.TensorBuffer;

namespace DiPaCo.Training;

/// <summary>
/// All modules of a model in one place, for module-wise synchronous training (paper §4.5): the mean gradient of the paths through each
/// module, and one AdamW step on it. Nothing else in this project holds more than a path.
/// </summary>
public sealed class ModuleGrid : IDisposable
{
    /// <summary>Allocates the modules; parameters are zero until they are loaded.</summary>
    /// <param name="modules">All modules, each once.</param>
    /// <param name="device">Where they are kept; the device of the paths.</param>
    public ModuleGrid(IReadOnlyList<ModuleDefinition> modules, Device device) =>
        Parameters = new PathParameters(modules, ComputeType.Fp32, device);

    /// <summary>Parameters and gradient of all modules.</summary>
    public PathParameters Parameters { get; }

    /// <summary>The optimizer of all modules. Gradients are clipped per path, before they are averaged, and not again.</summary>
    /// <param name="model">Lends its kernels; must outlive the optimizer.</param>
    /// <param name="options">β₁, β₂, ε and weight decay.</param>
    public AdamW Optimizer(PathModel model, AdamWOptions options) => new(Parameters, model.Kernels, options with { ClipNorm = 0 });

    /// <summary>Copies a path's modules into its buffers.</summary>
    /// <param name="modules">The path's modules, in the order of <paramref name="model"/>'s segments.</param>
    /// <param name="model">Buffers of a path of the same layout.</param>
    public void Load(ImmutableArray<ModuleId> modules, PathModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach ((ParameterSegment own, ParameterSegment path) in Pairs(modules, model))
        {
            Slice(model.Parameters.Buffers.Master, path).copy_(Slice(Parameters.Buffers.Master, own));
        }

        model.Parameters.IsComputeStale = true;
    }

    /// <summary>Adds a path's gradient, clipped by its norm, to the gradients of its modules.</summary>
    /// <param name="modules">The path's modules.</param>
    /// <param name="weights">The path's weight α in each of them.</param>
    /// <param name="model">Has the gradient.</param>
    /// <param name="clipNorm">Largest norm; 0: no clipping.</param>
    /// <param name="loss">The batch's mean loss: not used but to say, with the gradient, whether the step is sound.</param>
    /// <returns>The norm before clipping.</returns>
    /// <exception cref="NonFiniteStepException">Loss or gradient is not finite; nothing was added.</exception>
    public double AddGradient(ImmutableArray<ModuleId> modules, ImmutableArray<double> weights, PathModel model, double clipNorm, double loss)
    {
        double norm = Math.Sqrt(model.Kernels.SumOfSquares(model.Parameters.Buffers.Gradient));
        if (!double.IsFinite(norm) || !double.IsFinite(loss))
        {
            throw new NonFiniteStepException(
                $"Its loss is {loss} and its gradient's norm {norm}; finite numbers were expected. Lower the learning rate or lengthen the warm-up.");
        }

        double scale = clipNorm > 0 && norm > clipNorm ? clipNorm / norm : 1;
        using DisposeScope scope = NewDisposeScope();
        int i = 0;
        foreach ((ParameterSegment own, ParameterSegment path) in Pairs(modules, model))
        {
            Slice(Parameters.Buffers.Gradient, own).add_(Slice(model.Parameters.Buffers.Gradient, path), alpha: scale * weights[i++]);
        }

        return norm;
    }

    /// <inheritdoc/>
    public void Dispose() => Parameters.Dispose();

    private IEnumerable<(ParameterSegment Own, ParameterSegment Path)> Pairs(ImmutableArray<ModuleId> modules, PathModel model) =>
        modules.Select((module, i) => (Parameters.Segment(module), model.Parameters.Segments[i]));

    private static Tensor Slice(TensorBuffer buffer, ParameterSegment segment) => buffer.Value.narrow(0, segment.Offset, segment.Length);
}
