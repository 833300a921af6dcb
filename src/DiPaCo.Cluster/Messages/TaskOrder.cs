using System.Collections.Immutable;

namespace DiPaCo.Cluster;

/// <summary>A task that a run wants computed.</summary>
/// <param name="Run">The run.</param>
/// <param name="Key">The task's name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="Spec">Its description, <see cref="Runtime.Tasks.TaskSpecJson"/>.</param>
/// <param name="Inputs">The blobs that it reads, or can build what it reads from, as 64 hexadecimal digits: workers that have them are preferred.</param>
/// <param name="MemoryBytes">Memory that it needs.</param>
/// <param name="Flops">Estimate of its work.</param>
/// <param name="Priority">Larger goes first.</param>
/// <param name="Fingerprint">Only workers with this numerics fingerprint may compute it; empty: all may.</param>
/// <param name="Divisible">Whether it can be handed over between two of its steps.</param>
/// <param name="Beside">Whether it is computed beside another task instead of after it: it is short, and others wait for it.</param>
[GenerateSerializer]
[Immutable]
public sealed record TaskOrder(
    string Run, string Key, string Kind, byte[] Spec, ImmutableArray<string> Inputs, long MemoryBytes, double Flops, int Priority, string Fingerprint,
    bool Divisible = false, bool Beside = false);
