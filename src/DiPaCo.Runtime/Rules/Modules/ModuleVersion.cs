using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>A published version of a module.</summary>
/// <param name="Module">The module.</param>
/// <param name="Version">Its version: what the phase of the same number starts from.</param>
/// <param name="Blob">Its parameters.</param>
/// <param name="Momentum">Its outer momentum; null: zeros.</param>
public sealed record ModuleVersion(ModuleId Module, Phase Version, BlobHash Blob, BlobHash? Momentum);
