using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>What all paths have consumed in a phase, and whether it is what they should have.</summary>
/// <param name="Phase">The phase.</param>
/// <param name="Paths">Paths that had a turn.</param>
/// <param name="Steps">Their inner steps.</param>
/// <param name="Sequences">Sequences read, repetitions counted.</param>
/// <param name="Tokens">Scored tokens.</param>
/// <param name="LostSteps">Steps that no path has made although the plan wants them.</param>
/// <param name="DuplicatedSteps">Steps that were made twice or without being wanted.</param>
public sealed record PhaseLedger(Phase Phase, int Paths, long Steps, long Sequences, long Tokens, long LostSteps, long DuplicatedSteps);
