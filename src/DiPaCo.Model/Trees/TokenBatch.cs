namespace DiPaCo.Model;

/// <summary>Sequences to score.</summary>
/// <param name="Tokens">Tokens of B sequences, one behind the other, [B, T].</param>
/// <param name="Targets">The token to predict at each position, [B, T]; −1 is not scored.</param>
/// <param name="Length">T.</param>
public sealed record TokenBatch(int[] Tokens, int[] Targets, int Length);
