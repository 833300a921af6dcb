using System.Text.Json.Serialization;

namespace DiPaCo.Core.Configuration;

/// <summary>The outer optimizer of each module: m ← μ m + Δ; θ ← θ − η (Δ + μ m) (paper §2.6, DiLoCo).</summary>
public sealed record OuterOptimizerOptions
{
    /// <summary>Outer learning rate η. Paper: 0.7.</summary>
    public double LearningRate { get; init; } = 0.7;

    /// <summary>Outer momentum μ, 0 to below 1. Paper: 0.9.</summary>
    public double Momentum { get; init; } = 0.9;

    /// <summary>Phases over which the momentum rises from 0 to <see cref="Momentum"/>; 0: it has its value from the start. Default 0.</summary>
    public int MomentumWarmupPhases { get; init; }

    /// <summary>Weights α of the paths through a module. Default: shard size.</summary>
    public OuterWeights Weights { get; init; } = OuterWeights.ShardSize;

    /// <summary>Rescaling of the averaged outer gradient (paper §2.7). Default none.</summary>
    public OuterRescaling Rescaling { get; init; } = OuterRescaling.None;

    /// <summary>Whether modules of a single path have the outer step too (paper footnote 1). Default true.</summary>
    public bool PrivateModules { get; init; } = true;

    /// <summary>How contributions travel. What a codec leaves out of a delta, the path keeps and adds to its next one. Default fp32: exactly.</summary>
    public DeltaCodec Codec { get; init; } = DeltaCodec.Fp32;

    /// <summary>Share of a delta's elements that <see cref="DeltaCodec.TopK"/> sends, above 0, at most 1. Default 0.05.</summary>
    public double TopKFraction { get; init; } = 0.05;

    /// <summary>
    /// Weight with which a path adds what a codec has left out of its earlier deltas to its next one, 0 to 1. Default 1: nothing is lost, only late. Where much is
    /// left out for many phases a path goes the same way again before it arrives, and all of it adds up: then less is better.
    /// </summary>
    public double ErrorFeedback { get; init; } = 1;

    /// <summary>
    /// How modules that make outer steps travel to their paths. With anything but fp32 paths train from a published version θ̂ beside the
    /// master θ, which is what is evaluated, served and stepped on. Default fp32: paths train from θ.
    /// </summary>
    /// <remarks>Left out where it is fp32: so runs that were begun before there was a choice go on.</remarks>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public DownloadCodec Download { get; init; }

    /// <summary>
    /// Contributions of how many paths, neighbors in the order of path ids, are folded together while other paths of the module still train (paper
    /// §3); a module with no more paths takes all of them in its outer step. No byte of a module depends on it. 0: none are folded. Default 0.
    /// </summary>
    public int FoldPaths { get; init; }

    /// <summary>How many of a module's contributions are folded before its outer step: all but the last group, which the step itself takes.</summary>
    /// <param name="paths">Paths that contribute in a phase.</param>
    /// <param name="foldPaths">Contributions of a group; 0: none are folded.</param>
    public static int FoldedOf(int paths, int foldPaths) => foldPaths == 0 || paths == 0 ? 0 : (paths - 1) / foldPaths * foldPaths;

    /// <summary>Bits of an element in blocks of 64 with a scale of 16 bits.</summary>
    internal const double Int8Bits = 8 + (16.0 / 64);

    /// <summary>Bits of an element in blocks of 32 with a scale of 16 bits.</summary>
    internal const double Int4Bits = 4 + (16.0 / 32);

    /// <summary>Bits of an element of a contribution, scales and positions included.</summary>
    public double BitsPerElement() => Codec switch
    {
        DeltaCodec.Bf16 => 16,
        DeltaCodec.Int8 => Int8Bits,
        DeltaCodec.Int4 => Int4Bits,
        DeltaCodec.TopK => 32 * TopKFraction,
        _ => 32,
    };

    /// <summary>μ of a phase, counted from 0.</summary>
    public double MomentumOf(Phase phase) => phase.Value < MomentumWarmupPhases ? Momentum * phase.Value / MomentumWarmupPhases : Momentum;

    /// <summary>Whether a module makes outer steps; one that does not takes over what its only path brings.</summary>
    public bool StepsOn(ModelTopology topology, ModuleId module) => PrivateModules || !topology.IsPrivate(module);

    /// <summary>Whether a module has a published version beside its master.</summary>
    public bool Publishes(ModelTopology topology, ModuleId module) => Download != DownloadCodec.Fp32 && StepsOn(topology, module);
}
