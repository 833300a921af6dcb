using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>What a path's training task has brought.</summary>
/// <param name="Modules">θ_i of each of its modules.</param>
/// <param name="Optimizer">AdamW's moments at the end.</param>
/// <param name="Sequences">Sequences that the steps have read, repetitions counted.</param>
/// <param name="Tokens">Scored tokens.</param>
/// <param name="Fingerprint">The numerics fingerprint of the worker.</param>
public sealed record TrainedPhase(ImmutableSortedDictionary<ModuleId, BlobHash> Modules, BlobHash? Optimizer, long Sequences, long Tokens, string Fingerprint);
