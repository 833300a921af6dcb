using DiPaCo.Core;

namespace DiPaCo.Serving.Grids;

/// <summary>A file of an exported model.</summary>
/// <param name="Path">Where it lies below the folder, with slashes.</param>
/// <param name="Blob">SHA-256 of its bytes.</param>
/// <param name="Bytes">Its size.</param>
public sealed record GridFile(string Path, BlobHash Blob, long Bytes);
