using DiPaCo.Serving.Sampling;

namespace DiPaCo.Serving.Http;

/// <summary>A token that an answer can name.</summary>
/// <param name="Score">The token and what the model thought of it.</param>
/// <param name="Piece">Its text.</param>
/// <param name="Offset">Characters before it.</param>
internal readonly record struct ChosenToken(TokenScore Score, string Piece, int Offset);
