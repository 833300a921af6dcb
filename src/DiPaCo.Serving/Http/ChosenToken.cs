using DiPaCo.Serving.Sampling;

namespace DiPaCo.Serving.Http;

/// <summary>A token that an answer can name.</summary>
/// <param name="Score">The token and what the model thought of it.</param>
/// <param name="Offset">Whole characters of the text before it.</param>
internal readonly record struct ChosenToken(TokenScore Score, int Offset);
