using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>What tasks compute in the simulation: hashes of all that reaches them stand for specifications and outputs.</summary>
internal static class Arithmetic
{
    public const string Fingerprint = "one";

    public static TaskKey KeyOf(NeededTraining task)
    {
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"train {task.Path.Value} {task.Steps} {task.FirstStep} {task.Optimizer?.Hex}");
        foreach (ModuleVersion module in task.Modules)
        {
            text.Append(' ').Append(module.Module.Name).Append(module.Blob.Hex);
        }

        return new TaskKey(Hash(text.ToString()).Hex);
    }

    public static TaskKey KeyOf(NeededOuterStep task)
    {
        BlobHash sums = SumsOf(task.Start, task.Folded, task.Contributions.Skip(task.Folded?.Paths ?? 0));
        return new TaskKey(Hash($"outer {task.Start.Module.Name} {task.Start.Blob.Hex} {task.Start.Momentum?.Hex} {sums.Hex}").Hex);
    }

    /// <summary>A chain, as real sums are: one contribution after the other, so that nothing depends on where groups begin.</summary>
    public static TaskKey KeyOf(NeededFold task) => Added(task.Start, task.Before, task.Contributions)!.Value;

    /// <summary>What is made of contributions that are added to those that are folded.</summary>
    public static BlobHash SumsOf(ModuleVersion start, FoldedGroups? before, IEnumerable<PathContribution> contributions) =>
        Added(start, before, contributions) is { } last ? Output(last, "sums", Fingerprint) : before!.Sums;

    private static TaskKey? Added(ModuleVersion start, FoldedGroups? before, IEnumerable<PathContribution> contributions)
    {
        TaskKey? last = null;
        BlobHash? sums = before?.Sums;
        foreach (PathContribution added in contributions)
        {
            last = new TaskKey(Hash(FormattableString.Invariant(
                $"fold {start.Module.Name} {start.Blob.Hex} {sums?.Hex} {added.Path.Value} {added.Blob.Hex} {added.Weight}")).Hex);
            sums = Output(last.Value, "sums", Fingerprint);
        }

        return last;
    }

    public static BlobHash Output(TaskKey key, string name, string fingerprint) => Hash($"{key.Hex} {name} {fingerprint}");

    /// <summary>The inner state after some steps, from which the rest must be made by the same arithmetic.</summary>
    public static BlobHash Inner(TaskKey key, long steps, string fingerprint) => Hash($"{key.Hex} after {steps} {fingerprint}");

    public static string Metrics(TaskKey key) => key.Hex[..3];

    public static (long Sequences, long Tokens) Counts(string metrics)
    {
        int number = int.Parse(metrics, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        return (number % 61, 100 + number);
    }

    public static ImmutableSortedDictionary<string, BlobHash> Outputs(TaskDemand demand, ImmutableArray<string> names, string fingerprint)
    {
        ImmutableSortedDictionary<string, BlobHash>.Builder outputs = ImmutableSortedDictionary.CreateBuilder<string, BlobHash>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            outputs.Add(name, Output(demand.Key, name, fingerprint));
        }

        return outputs.ToImmutable();
    }

    public static BlobHash Hash(string text)
    {
        Span<byte> bytes = stackalloc byte[1024];
        return BlobHash.Of(bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
    }
}
