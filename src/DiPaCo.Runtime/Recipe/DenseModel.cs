using DiPaCo.Core;

namespace DiPaCo.Runtime.Recipe;

/// <summary>A trained dense model.</summary>
/// <param name="Parameters">Its blob.</param>
/// <param name="Steps">Steps made in its stage.</param>
/// <param name="Tokens">Scored tokens trained on in its stage.</param>
internal sealed record DenseModel(BlobHash Parameters, long Steps, long Tokens);
