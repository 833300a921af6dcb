using System.Runtime.Intrinsics.X86;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime;

/// <summary>Describes the machine for people.</summary>
public static class MachineInfo
{
    /// <summary>The machine as a process with so many threads on this device sees it.</summary>
    public static MachineSummary Of(int threads, string device, ComputeType compute) => new()
    {
        Cores = Environment.ProcessorCount,
        Threads = threads,
        Simd = Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : "128-bit SIMD",
        Device = device,
        Compute = compute,
    };
}
