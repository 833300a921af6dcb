using DiPaCo.Cli.Output;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Progress;

/// <summary>The machine in one line.</summary>
internal static class MachineLine
{
    /// <summary>For example <c>2 cores (AVX-512), device cpu, 2 threads, 1.21 TFLOP/s in bf16</c>.</summary>
    public static string Of(MachineSummary machine)
    {
        string rate = machine.MatrixFlopsPerSecond > 0 ? $", {Units.Flops(machine.MatrixFlopsPerSecond)}/s in {Name(machine.Compute)}" : "";
        return $"{Units.Count(machine.Cores, "core")} ({machine.Simd}), device {machine.Device}, {Units.Count(machine.Threads, "thread")}{rate}";
    }

    /// <summary>The arithmetic as configurations name it.</summary>
    public static string Name(ComputeType compute) => compute.ToString().ToLowerInvariant();
}
