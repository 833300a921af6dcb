using System.Runtime.Intrinsics.X86;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime;

/// <summary>Describes the machine for people.</summary>
public static class MachineInfo
{
    /// <summary>What of the processor's vectors decides how it rounds: in fp32 whoever has fused multiply-adds rounds as everybody who has them.</summary>
    internal static string RoundingOf(ComputeType compute) => compute == ComputeType.Fp32 && Fma.IsSupported ? "fused multiply-adds" : SimdName;

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
