using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Routing;

/// <summary>How a logistic router is fitted.</summary>
public sealed record LogisticRouterOptions
{
    /// <summary>The paths, one class each, in order of their ids.</summary>
    public required ImmutableArray<PathId> Paths { get; init; }

    /// <summary>Tokens that the features were computed from.</summary>
    public required int PrefixTokens { get; init; }

    /// <summary>What is done to features before they are weighted.</summary>
    public FeatureScaling Scaling { get; init; } = FeatureScaling.Standardized;

    /// <summary>
    /// λ of the penalty λ/2 ‖W‖² on the mean loss of a document; biases are free where there is no <see cref="Prior"/>. Not negative.
    /// Null: chosen by cross-validation over <see cref="Folds"/>. Default 0.001.
    /// </summary>
    public double? L2 { get; init; } = 1e-3;

    /// <summary>Parts of the cross-validation, all documents of one origin in one part; at least 2. Default 5.</summary>
    public int Folds { get; init; } = 5;

    /// <summary>
    /// A router of the same paths and features that the classifier starts from and is drawn towards: its scores, times a factor that is
    /// learned, are added to the classifier's. Its preprocessing is taken over. Default null: none.
    /// </summary>
    public IRouter? Prior { get; init; }

    /// <summary>What the biases are trained to match. Default: the labels' shares among the documents of each path (paper §7.2.1).</summary>
    public BiasCalibration Calibration { get; init; } = BiasCalibration.Labels;

    /// <summary>Iterations of L-BFGS at most, at least 0. Default 200.</summary>
    public int Iterations { get; init; } = 200;

    /// <summary>The fit ends once the gradient's norm is at most this share of its first one. Not negative. Default 0.0001.</summary>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>Passes over the documents that calibrate the biases, at most, at least 1. Default 150.</summary>
    public int CalibrationIterations { get; init; } = 150;

    /// <summary>Threads at most; the result does not depend on it.</summary>
    public int Threads { get; init; } = 1;
}
