using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A task between two of its steps, exactly: whoever goes on from here ends with the bytes and metrics of an undivided task.</summary>
/// <param name="DoneSteps">Steps made, more than none and fewer than all.</param>
/// <param name="Steps">Steps in all.</param>
/// <param name="Blobs">What the next step reads, by name.</param>
public sealed record InnerState(long DoneSteps, long Steps, ImmutableSortedDictionary<string, BlobHash> Blobs);
