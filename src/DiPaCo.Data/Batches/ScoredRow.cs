namespace DiPaCo.Data;

/// <summary>What a row of an evaluation batch scores. Columns below <see cref="Batch.PrefixColumns"/> are the prefix, the others the rest.</summary>
/// <param name="Index">The document's place in the list that is evaluated.</param>
/// <param name="Document">The document.</param>
/// <param name="PrefixTargets">Scored targets of the prefix.</param>
/// <param name="PrefixBytes">The UTF-8 bytes that they stand for.</param>
/// <param name="Targets">Scored targets behind the prefix.</param>
/// <param name="Bytes">The UTF-8 bytes that they stand for.</param>
public readonly record struct ScoredRow(int Index, DocumentId Document, int PrefixTargets, int PrefixBytes, int Targets, int Bytes);
