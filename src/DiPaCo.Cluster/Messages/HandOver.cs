using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>A task in the middle, on its way from one worker to the next; see <see cref="InnerState"/>.</summary>
/// <param name="DoneSteps">Steps made.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Blobs">What the next step reads by name, as 64 hexadecimal digits.</param>
[GenerateSerializer]
[Immutable]
public sealed record HandOver(long DoneSteps, long Steps, ImmutableSortedDictionary<string, string> Blobs)
{
    /// <summary>What travels of a state.</summary>
    public static HandOver Of(InnerState state) => new(state.DoneSteps, state.Steps, HexOf(state.Blobs));

    /// <summary>The same from the dispatcher's rules.</summary>
    public static HandOver Of(Continuation state) => new(state.DoneSteps, state.Steps, HexOf(state.State));

    /// <summary>The state as the next worker goes on from it.</summary>
    public InnerState ToInnerState() => new(DoneSteps, Steps, HashesOf(Blobs));

    /// <summary>The state as the dispatcher's rules keep it.</summary>
    /// <param name="fingerprint">The numerics of who made the steps.</param>
    public Continuation ToContinuation(string fingerprint) => new(DoneSteps, Steps, HashesOf(Blobs), fingerprint);

    private static ImmutableSortedDictionary<string, string> HexOf(ImmutableSortedDictionary<string, BlobHash> blobs) =>
        blobs.ToImmutableSortedDictionary(blob => blob.Key, blob => blob.Value.Hex, StringComparer.Ordinal);

    private static ImmutableSortedDictionary<string, BlobHash> HashesOf(ImmutableSortedDictionary<string, string> blobs) =>
        blobs.ToImmutableSortedDictionary(blob => blob.Key, blob => BlobHash.Parse(blob.Value), StringComparer.Ordinal);
}
