using System.Collections.Immutable;

namespace DiPaCo.Serving.Http;

/// <summary>A prompt.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Hidden">Tokens at its beginning that the client did not write: the end of the text before.</param>
/// <param name="Origin">What routers by origin know it by.</param>
internal sealed record PromptText(string Text, ImmutableArray<int> Tokens, int Hidden, ulong Origin);
