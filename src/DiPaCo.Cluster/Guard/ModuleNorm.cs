using DiPaCo.Core;

namespace DiPaCo.Cluster;

/// <summary>How far a path has moved a module in a phase.</summary>
/// <param name="Module">The module.</param>
/// <param name="Start">The version that all its paths start the phase from: equal for them, different in each phase.</param>
/// <param name="Norm">‖θ − θ_i‖.</param>
internal sealed record ModuleNorm(ModuleId Module, BlobHash Start, double Norm);
