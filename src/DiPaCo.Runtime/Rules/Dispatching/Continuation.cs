using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>A task in the middle: the exact state between two of its steps, from which any other worker goes on to the same result.</summary>
/// <param name="DoneSteps">Steps made.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="State">The inner state's blobs by name.</param>
/// <param name="Fingerprint">The numerics fingerprint of who made the steps.</param>
public sealed record Continuation(long DoneSteps, long Steps, ImmutableSortedDictionary<string, BlobHash> State, string Fingerprint)
{
    /// <summary>Part of the task that is done, 0 to 1.</summary>
    public double Fraction() => Steps <= 0 ? 0 : Math.Clamp((double)DoneSteps / Steps, 0, 1);
}
