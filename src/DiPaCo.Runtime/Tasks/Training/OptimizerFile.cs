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
            writer.Append(System.Runtime.InteropServices.MemoryMarshal.AsBytes(module.Moment1.AsSpan()));
            writer.Append(System.Runtime.InteropServices.MemoryMarshal.AsBytes(module.Moment2.AsSpan()));
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
            reader.ReadInto(Name(id, 1), module.Moment1.AsSpan());
            reader.ReadInto(Name(id, 2), module.Moment2.AsSpan());
            moments.Add(module);
        }

        return new OptimizerFile(count, moments);
    }

    private static TensorSpec Spec(ModuleId module, int moment, int length) => new(Name(module, moment), TensorDType.F32, length);

    private static string Name(ModuleId module, int moment) => string.Create(CultureInfo.InvariantCulture, $"{module.Name}.moment{moment}");
}
