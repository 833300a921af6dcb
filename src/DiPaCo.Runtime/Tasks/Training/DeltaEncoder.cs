using System.Collections.Immutable;
using System.Globalization;
using System.Numerics.Tensors;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Training;
using DiPaCo.Training.Codecs;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Encodes what a path has changed in its modules, and keeps what the encoding leaves out for the path's next phase (error feedback).</summary>
/// <param name="codec">How.</param>
/// <param name="stateFile">The path's state at the start of the phase, with what was left out so far; null: nothing was.</param>
internal sealed class DeltaEncoder(ContributionCodec codec, string? stateFile)
{
    private readonly IDeltaCodec _codec = DeltaCodecs.Of(codec.Codec, codec.TopKFraction);
    private readonly SortedDictionary<string, float[]> _residuals = new(StringComparer.Ordinal);

    /// <summary>What the encoding has left out of all modules so far, by the names of its tensors.</summary>
    public ImmutableSortedDictionary<string, float[]> Residuals => _residuals.ToImmutableSortedDictionary(StringComparer.Ordinal);

    /// <summary>The name of a module's tensor.</summary>
    public static string NameOf(ModuleId module) => string.Create(CultureInfo.InvariantCulture, $"{module.Name}.residual");

    /// <summary>Whether a module's contribution is encoded.</summary>
    public bool Encodes(ModuleId module) => codec.Modules.Contains(module);

    /// <summary>Encodes a module's delta.</summary>
    /// <param name="parameters">The path at the end of its phase.</param>
    /// <param name="segment">The module.</param>
    /// <param name="startFile">The module at the start of the phase.</param>
    /// <exception cref="NonFiniteStepException">A parameter is not finite.</exception>
    public byte[] Encode(PathParameters parameters, ParameterSegment segment, string startFile)
    {
        int length = checked((int)segment.Length);
        float[] delta = new float[length];
        float[] start = new float[length];
        parameters.Read(segment.Module, delta);
        ModuleFile.Read(startFile, segment.Layout, start);
        TensorPrimitives.Subtract(delta, start, delta);
        float[] residual = ReadResidual(segment);
        byte[] encoded = new byte[_codec.BytesFor(length)];
        try
        {
            _codec.Encode(delta, residual, encoded);
        }
        catch (NonFiniteDeltaException exception)
        {
            throw new NonFiniteStepException($"Module {segment.Module}: {exception.Message}");
        }

        _residuals[NameOf(segment.Module)] = residual;
        return encoded;
    }

    private float[] ReadResidual(ParameterSegment segment)
    {
        float[] residual = new float[segment.Length];
        if (stateFile is not null)
        {
            using SafeTensorsReader reader = SafeTensorsReader.Open(stateFile);
            string name = NameOf(segment.Module);
            // A state of steps that encoded nothing has left nothing out.
            if (reader.Tensors.Any(tensor => tensor.Spec.Name == name))
            {
                reader.ReadPart(new TensorSpec(name, TensorDType.F32, segment.Length), 0, residual);
                TensorPrimitives.Multiply(residual, (float)codec.ErrorFeedback, residual);
            }
        }

        return residual;
    }
}
