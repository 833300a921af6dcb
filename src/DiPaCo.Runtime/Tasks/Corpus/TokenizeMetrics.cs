namespace DiPaCo.Runtime.Tasks;

/// <summary>What tokenization reports.</summary>
/// <param name="Tokens">Tokens of all documents.</param>
/// <param name="Vocabulary">Entries of the vocabulary.</param>
/// <param name="Usable">Training documents that are longer than the routing prefix, which is to say that a path can train on.</param>
public sealed record TokenizeMetrics(long Tokens, int Vocabulary, long Usable);
