using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster.Blobs;

/// <summary>A part of a remote store's list.</summary>
/// <param name="Blobs">In the order of their hashes.</param>
/// <param name="Next">Asks for the next part; null at the end.</param>
public sealed record BlobPage(IReadOnlyList<BlobInfo> Blobs, string? Next);
