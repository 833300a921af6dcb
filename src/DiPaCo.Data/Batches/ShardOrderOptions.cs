using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>What fixes the order in which a path sees its shard.</summary>
/// <param name="Seed">The run's seed.</param>
/// <param name="Path">The path.</param>
/// <param name="BatchSize">Sequences a step.</param>
/// <param name="LengthWindow">
/// Batches whose sequences are sorted by length among each other, so that short documents meet in short batches. Default 1: no sorting.
/// </param>
public sealed record ShardOrderOptions(long Seed, PathId Path, int BatchSize, int LengthWindow = 1);
