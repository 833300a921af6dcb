using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime;

/// <summary>The machine that computes.</summary>
public sealed record MachineSummary
{
    /// <summary>Logical processors.</summary>
    public required int Cores { get; init; }

    /// <summary>Threads that the run uses.</summary>
    public required int Threads { get; init; }

    /// <summary>Widest vector instructions, for example <c>AVX-512, AMX</c>.</summary>
    public required string Simd { get; init; }

    /// <summary>Device of the run, for example <c>cpu</c> or <c>cuda:0 NVIDIA H100</c>.</summary>
    public required string Device { get; init; }

    /// <summary>Arithmetic of the matrix products.</summary>
    public required ComputeType Compute { get; init; }

    /// <summary>Floating-point operations per second of a 2048³ matrix product in <see cref="Compute"/>; 0 when not measured.</summary>
    public double MatrixFlopsPerSecond { get; init; }
}
