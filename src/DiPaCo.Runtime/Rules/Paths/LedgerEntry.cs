using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Rules;

/// <summary>What a path has consumed in a phase. Which documents those were follows from the shard and the steps: batches are a function of both.</summary>
/// <param name="Path">The path.</param>
/// <param name="Phase">The phase.</param>
/// <param name="Task">The training task.</param>
/// <param name="FirstStep">Steps that the path had made before, on whatever shard.</param>
/// <param name="Steps">Steps of the phase.</param>
/// <param name="Sequences">Sequences read, repetitions counted.</param>
/// <param name="Tokens">Scored tokens.</param>
/// <param name="Fingerprint">The numerics fingerprint of the worker.</param>
public sealed record LedgerEntry(
    PathId Path, Phase Phase, TaskKey Task, long FirstStep, long Steps, long Sequences, long Tokens, string Fingerprint);
