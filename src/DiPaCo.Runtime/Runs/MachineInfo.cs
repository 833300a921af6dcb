using System.Runtime.Intrinsics.X86;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime;

/// <summary>Describes the machine for people.</summary>
public static class MachineInfo
{
    internal static string SimdName => Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : "128-bit SIMD";

    /// <summary>The machine as a process with so many threads on this device sees it.</summary>
    public static MachineSummary Of(int threads, string device, ComputeType compute) => new()
    {
        Cores = Environment.ProcessorCount,
        Threads = threads,
        Simd = SimdName,
        Device = device,
        Compute = compute,
    };
}
