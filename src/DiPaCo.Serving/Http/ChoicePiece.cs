namespace DiPaCo.Serving.Http;

/// <summary>A piece of a choice for a stream.</summary>
/// <param name="Text">Its text.</param>
/// <param name="FirstToken">The first token that was not sent yet.</param>
/// <param name="IsFirst">Whether the choice begins with it.</param>
/// <param name="IsLast">Whether the choice ends with it.</param>
internal readonly record struct ChoicePiece(string Text, int FirstToken, bool IsFirst, bool IsLast);
