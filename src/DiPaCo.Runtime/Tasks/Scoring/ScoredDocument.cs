using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A document of a <see cref="LossMatrix"/>.</summary>
/// <param name="Id">Where it is in the token chunks that were scored.</param>
/// <param name="Tokens">Scored tokens behind the prefix, at least 1.</param>
/// <param name="PrefixTokens">Scored tokens of the prefix.</param>
/// <param name="Bytes">UTF-8 bytes of the tokens behind the prefix.</param>
internal readonly record struct ScoredDocument(DocumentId Id, int Tokens, int PrefixTokens, int Bytes);
