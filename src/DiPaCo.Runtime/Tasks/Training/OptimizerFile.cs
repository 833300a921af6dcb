using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Runtime.Tasks;

/// <summary>AdamW's state of one path as a safetensors file: both moments of every module, flat, and the number of updates.</summary>
/// <param name="Steps">Updates so far, t of the bias correction.</param>
/// <param name="Modules">Moments of each module in the order of the path.</param>
internal sealed record OptimizerFile(long Steps, IReadOnlyList<ModuleMoments> Modules)
{
    private const string StepsKey = "steps";

    public void Write(Stream destination)
    {
        TensorSpec[] specs = [.. Modules.SelectMany(module => new[] { Spec(module.Id, 1, module.Moment1.Length), Spec(module.Id, 2, module.Moment2.Length) })];
        SafeTensorsWriter writer = new(destination, specs, [new(StepsKey, Steps.ToString(CultureInfo.InvariantCulture))]);
        foreach (ModuleMoments module in Modules)
        {
            Append(writer, module.Moment1);
            Append(writer, module.Moment2);
        }

        writer.Complete();
    }

    /// <exception cref="SafeTensorsException">The file is damaged or belongs to another path.</exception>
    public static OptimizerFile Read(string path, IEnumerable<(ModuleId Id, int Length)> modules)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(path);
        string steps = reader.Metadata.FirstOrDefault(pair => pair.Key == StepsKey).Value ?? "";
        if (!long.TryParse(steps, NumberStyles.None, CultureInfo.InvariantCulture, out long count))
        {
            throw new SafeTensorsException(path, $"its number of steps is '{steps}', a whole number was expected");
        }

        List<ModuleMoments> moments = [];
        foreach ((ModuleId id, int length) in modules)
        {
            ModuleMoments module = new(id, new float[length], new float[length]);
            ReadInto(reader, Spec(id, 1, length), module.Moment1);
            ReadInto(reader, Spec(id, 2, length), module.Moment2);
            moments.Add(module);
        }

        return new OptimizerFile(count, moments);
    }

    // By address: the bytes of a large module are more than a span can hold.
    private static unsafe void Append(SafeTensorsWriter writer, float[] moment)
    {
        fixed (float* start = moment)
        {
            writer.Append((nint)start, (long)moment.Length * sizeof(float));
        }
    }

    private static unsafe void ReadInto(SafeTensorsReader reader, TensorSpec expected, float[] moment)
    {
        fixed (float* start = moment)
        {
            reader.ReadInto(expected, (nint)start);
        }
    }

    private static TensorSpec Spec(ModuleId module, int moment, int length) => new(Name(module, moment), TensorDType.F32, length);

    private static string Name(ModuleId module, int moment) => string.Create(CultureInfo.InvariantCulture, $"{module.Name}.moment{moment}");
}
