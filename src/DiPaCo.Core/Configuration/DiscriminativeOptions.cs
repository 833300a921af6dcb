using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// Discriminative routing (paper §2.4.2, §7.2.1): documents kept apart are scored under every path, a linear classifier learns from their
/// features which path is best, and all documents are sharded anew by it.
/// </summary>
public sealed record DiscriminativeOptions
{
    /// <summary>After which phases the router is fitted anew, ascending, each below the number of phases. Default none.</summary>
    public ImmutableArray<int> AfterPhases { get; init; } = [];

    /// <summary>Documents of the router split that are scored at most; 0: all. Default 0.</summary>
    public int MaxDocuments { get; init; }

    /// <summary>
    /// Paths that each document is scored under: the n that its router so far scores highest; at least 2. 0, or as many as there are paths:
    /// all. Default 0.
    /// </summary>
    public int Candidates { get; init; }

    /// <summary>
    /// Weight λ of half the squared norm of the classifier's weights beside the mean loss of a document. Default null: chosen by
    /// cross-validation over <see cref="Folds"/>.
    /// </summary>
    public double? WeightPenalty { get; init; }

    /// <summary>Parts that the scored documents are cut into, all documents of one origin in one part, to choose λ; 2 to 100. Default 5.</summary>
    public int Folds { get; init; } = 5;

    /// <summary>What the classifier is drawn towards. Default generative.</summary>
    public DiscriminativePrior Prior { get; init; } = DiscriminativePrior.Generative;

    /// <summary>What each scored document weighs. Default documents.</summary>
    public DocumentWeighting Weighting { get; init; } = DocumentWeighting.Documents;

    /// <summary>What the biases are trained to match. Default none.</summary>
    public BiasCalibration Calibration { get; init; } = BiasCalibration.None;
}
