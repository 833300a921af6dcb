using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>A trained dense model.</summary>
/// <param name="Parameters">Its blob.</param>
/// <param name="Training">What its stage trained.</param>
internal sealed record DenseModel(BlobHash Parameters, TrainMetrics Training);
