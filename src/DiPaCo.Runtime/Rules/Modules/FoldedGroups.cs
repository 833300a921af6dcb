using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>Contributions to the next version of a module that are folded.</summary>
/// <param name="Sums">Their sums.</param>
/// <param name="Paths">How many they are: those with the smallest ids of the paths that contribute in the phase.</param>
public sealed record FoldedGroups(BlobHash Sums, int Paths);
