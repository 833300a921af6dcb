namespace DiPaCo.Data;

/// <summary>Sequences to score; valid until the next batch is read.</summary>
/// <param name="Batch">Tokens and targets; the prefix's targets are always set here, and told apart by their columns.</param>
/// <param name="Rows">What each row scores.</param>
public sealed record EvaluationBatch(Batch Batch, IReadOnlyList<ScoredRow> Rows);
