namespace DiPaCo.Runtime.Tasks;

/// <summary>What tokenization reports.</summary>
/// <param name="Tokens">Tokens of all documents.</param>
/// <param name="Vocabulary">Entries of the vocabulary.</param>
public sealed record TokenizeMetrics(long Tokens, int Vocabulary);
