using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>A path tells its run that it has trained a phase.</summary>
/// <param name="Ledger">What it has consumed.</param>
/// <param name="Optimizer">AdamW's moments at the end.</param>
public sealed record PathReport(LedgerEntry Ledger, BlobHash? Optimizer);
