namespace DiPaCo.Data;

/// <summary>The tokens of one sequence: a repeated prefix (or none), then a run of the document.</summary>
/// <param name="Prefix">Tokens of the document's prefix repeated in front; 0 for the first sequence, which contains it.</param>
/// <param name="Start">The token of the document that follows them.</param>
/// <param name="Length">Positions in all.</param>
/// <param name="FirstTarget">The first token that is scored here; earlier ones in the run are context.</param>
public readonly record struct SequenceSlice(int Prefix, int Start, int Length, int FirstTarget)
{
    /// <summary>How many targets are scored.</summary>
    public int ScoredTargets => Start + (Length - Prefix) - FirstTarget + 1;
}
