using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;
using DiPaCo.Model.SafeTensors;
using static TorchSharp.torch;
using TensorBuffer = DiPaCo.Model.Buffers.TensorBuffer;

namespace DiPaCo.Training;

/// <summary>
/// AdamW with decoupled weight decay on matrices, bias correction, and clipping by the global norm, in one pass over the
/// flat buffers of a path. Its moments are flat buffers of the parameters' layout.
/// </summary>
public sealed class AdamW : IDisposable
{
    private const string StepsKey = "steps";

    // Copies go through a piece of 4 MiB: beside the moments themselves nothing grows with the model.
    private const int LargestPiece = 1 << 20;

    private readonly PathParameters _parameters;
    private readonly IKernels _kernels;
    private readonly AdamWOptions _options;
    private readonly TensorBuffer _moment1;
    private readonly TensorBuffer _moment2;

    /// <summary>Starts with moments of zero.</summary>
    /// <param name="model">The path to optimize; not owned.</param>
    /// <param name="options">β₁, β₂, ε, weight decay and clipping. The learning rate is given at each step.</param>
    public AdamW(PathModel model, AdamWOptions options)
        : this(model.Parameters, model.Kernels, options)
    {
    }

    /// <summary>The same for any collection of modules.</summary>
    /// <param name="parameters">What to optimize; not owned.</param>
    /// <param name="kernels">Computes; not owned.</param>
    /// <param name="options">β₁, β₂, ε, weight decay and clipping.</param>
    internal AdamW(PathParameters parameters, IKernels kernels, AdamWOptions options)
    {
        _parameters = parameters;
        _kernels = kernels;
        _options = options;
        Device device = parameters.Buffers.Master.Value.device;
        _moment1 = new TensorBuffer(0, ScalarType.Float32, device, parameters.Length);
        _moment2 = new TensorBuffer(0, ScalarType.Float32, device, parameters.Length);
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
    /// <exception cref="NonFiniteStepException">Loss or gradient is not finite; parameters and moments are as before.</exception>
    public double Step(double learningRate, double loss)
    {
        PathParameters parameters = _parameters;
        double norm = Math.Sqrt(_kernels.SumOfSquares(parameters.Buffers.Gradient));
        if (!double.IsFinite(norm) || !double.IsFinite(loss))
        {
            throw new NonFiniteStepException(
                $"Step {Steps + 1} has loss {loss} and gradient norm {norm}; expected finite numbers, so the update was not made. " +
                $"The learning rate was {learningRate:G4}: lower it or lengthen the warm-up; compute: fp32 tells whether the precision is to blame.");
        }

        Steps++;
        _kernels.AdamW(parameters, _moment1, _moment2, new AdamWStep(
            learningRate, _options.Beta1, _options.Beta2, _options.Epsilon, _options.WeightDecay,
            GradientScale: _options.ClipNorm > 0 && norm > _options.ClipNorm ? _options.ClipNorm / norm : 1,
            Correction1: 1 - Math.Pow(_options.Beta1, Steps),
            Correction2: 1 - Math.Pow(_options.Beta2, Steps)));
        parameters.IsComputeStale = false;
        return norm;
    }

    /// <summary>Writes both moments of every module, flat with padding, and the number of updates as a safetensors file.</summary>
    /// <param name="destination">Receives the file, front to back.</param>
    public void Save(Stream destination) => Save(destination, ImmutableSortedDictionary<string, float[]>.Empty);

    /// <summary>The same, with further tensors that belong to the state of the path.</summary>
    /// <param name="destination">Receives the file, front to back.</param>
    /// <param name="more">The tensors by their names, which no moment has.</param>
    public void Save(Stream destination, ImmutableSortedDictionary<string, float[]> more)
    {
        ImmutableArray<ParameterSegment> segments = _parameters.Segments;
        TensorSpec[] specs =
        [
            .. segments.SelectMany(segment => new[] { Spec(segment, 1), Spec(segment, 2) }),
            .. more.Select(tensor => new TensorSpec(tensor.Key, TensorDType.F32, tensor.Value.Length)),
        ];
        SafeTensorsWriter writer = new(destination, specs, [new(StepsKey, Steps.ToString(CultureInfo.InvariantCulture))]);
        float[] piece = new float[Math.Min(LargestPiece, segments.Max(segment => segment.Length))];
        foreach (ParameterSegment segment in segments)
        {
            Append(writer, _moment1, segment, piece);
            Append(writer, _moment2, segment, piece);
        }

        foreach (float[] tensor in more.Values)
        {
            writer.Append(MemoryMarshal.AsBytes<float>(tensor));
        }

        writer.Complete();
    }

    /// <summary>Replaces all moments and <see cref="Steps"/> by those of a file that <see cref="Save(Stream)"/> wrote for a path of the same modules.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="SafeTensorsException">The file is damaged or belongs to another path; moments may be overwritten in part.</exception>
    public void Load(string file)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(file);
        string steps = reader.Metadata.FirstOrDefault(pair => pair.Key == StepsKey).Value ?? "";
        if (!long.TryParse(steps, NumberStyles.None, CultureInfo.InvariantCulture, out long count))
        {
            throw new SafeTensorsException(file, $"its number of steps is '{steps}', a whole number was expected");
        }

        foreach (ParameterSegment segment in _parameters.Segments)
        {
            Read(reader, segment, 1, _moment1);
            Read(reader, segment, 2, _moment2);
        }

        Steps = count;
    }

    /// <summary>Copies the moments of a module, padding included.</summary>
    public void ReadMoments(ModuleId module, Span<float> moment1, Span<float> moment2)
    {
        FlatCopy.Read(_moment1, _parameters.Segment(module), moment1);
        FlatCopy.Read(_moment2, _parameters.Segment(module), moment2);
    }

    /// <summary>Replaces the moments of a module, padding included.</summary>
    public void WriteMoments(ModuleId module, ReadOnlySpan<float> moment1, ReadOnlySpan<float> moment2)
    {
        FlatCopy.Write(_moment1, _parameters.Segment(module), moment1);
        FlatCopy.Write(_moment2, _parameters.Segment(module), moment2);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _moment1.Dispose();
        _moment2.Dispose();
    }

    private static unsafe void Read(SafeTensorsReader reader, ParameterSegment segment, int moment, TensorBuffer moments)
    {
        // By address: the bytes of a large module are more than a span can hold.
        if (moments.IsOnCpu)
        {
            reader.ReadInto(Spec(segment, moment), (nint)(moments.Floats + segment.Offset));
            return;
        }

        float[] staged = new float[segment.Length];
        fixed (float* start = staged)
        {
            reader.ReadInto(Spec(segment, moment), (nint)start);
        }

        FlatCopy.Write(moments, segment, staged);
    }

    private static void Append(SafeTensorsWriter writer, TensorBuffer moments, ParameterSegment segment, float[] piece)
    {
        for (long done = 0; done < segment.Length; done += piece.Length)
        {
            Span<float> part = piece.AsSpan(0, (int)Math.Min(piece.Length, segment.Length - done));
            FlatCopy.Read(moments, segment.Offset + done, part);
            writer.Append(MemoryMarshal.AsBytes(part));
        }
    }

    private static TensorSpec Spec(ParameterSegment segment, int moment) => new(Name(segment, moment), TensorDType.F32, segment.Length);

    private static string Name(ParameterSegment segment, int moment) => string.Create(CultureInfo.InvariantCulture, $"{segment.Module.Name}.moment{moment}");
}
