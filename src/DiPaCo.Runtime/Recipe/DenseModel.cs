using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>A trained dense model.</summary>
/// <param name="Kind">The base model, or which baseline.</param>
/// <param name="Parameters">Its blob.</param>
/// <param name="Training">What was trained for it, the base stage included where it went on from there.</param>
internal sealed record DenseModel(ModelKind Kind, BlobHash Parameters, TrainMetrics Training);
