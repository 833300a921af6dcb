using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>Where a path stands between two phases.</summary>
/// <param name="Optimizer">AdamW's moments; null: zeros.</param>
/// <param name="StepsMade">Steps that it has made, on whatever shard.</param>
public sealed record PathPosition(BlobHash? Optimizer, long StepsMade);
