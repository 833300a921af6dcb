using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>What a path has read in a phase: a line of the token ledger, which stands in the journal with the phase's end.</summary>
/// <param name="Path">The path.</param>
/// <param name="Task">The training task, by its key in the journal.</param>
/// <param name="FirstStep">Steps that the path had made before, on whatever shard.</param>
/// <param name="Steps">Steps of the phase.</param>
/// <param name="Sequences">Sequences read, repetitions counted.</param>
/// <param name="Tokens">Scored tokens.</param>
/// <param name="Shard">The token chunks of the path's shard. Together with the steps and the seed they say which documents were read.</param>
public sealed record PathConsumption(PathId Path, string Task, long FirstStep, long Steps, long Sequences, long Tokens, ImmutableArray<BlobHash> Shard);
