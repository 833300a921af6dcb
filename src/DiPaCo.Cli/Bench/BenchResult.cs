using System.Collections.Immutable;
using System.Text.Json.Serialization;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Bench;

/// <summary>What <c>dipaco bench</c> measured; its JSON is read by scripts.</summary>
internal sealed record BenchResult
{
    /// <summary>The machine.</summary>
    public required MachineSummary Machine { get; init; }

    /// <summary>Rates of a 2048³ matrix product.</summary>
    public required MatrixRates Gemm { get; init; }

    /// <summary>Training steps against those rates.</summary>
    public required ImmutableArray<BenchStep> Step { get; init; }

    /// <summary>AdamW against a memory copy.</summary>
    [JsonPropertyName("adamw")]
    public required CopyRatio AdamW { get; init; }

    /// <summary>Safetensors against a copy of the same file, and against the same bytes without a format.</summary>
    public required FileRatios Safetensors { get; init; }
}

/// <summary>Rates of a 2048³ matrix product, floating-point operations per second.</summary>
internal sealed record MatrixRates(double Fp32, double Bf16);

/// <summary>Floating-point operations per second of a training step as a share of the matrix-product rate in the same arithmetic.</summary>
internal sealed record BenchStep(long Parameters, ComputeType Dtype, double Ratio);

/// <summary>Time of an AdamW step over the time of a memory copy of the same bytes.</summary>
internal sealed record CopyRatio(double Ratio);

/// <summary>Times of safetensors files over those of other ways to move the same bytes; all go through the page cache.</summary>
/// <param name="Write">Writing a file over copying it.</param>
/// <param name="Read">Reading a file over copying it.</param>
/// <param name="PlainWrite">Writing a file over writing its bytes without a format.</param>
/// <param name="PlainRead">Reading a file over reading its bytes without a format.</param>
/// <param name="Put">Putting a file into the blob store over writing and flushing its bytes.</param>
internal sealed record FileRatios(double Write, double Read, double PlainWrite, double PlainRead, double Put);
