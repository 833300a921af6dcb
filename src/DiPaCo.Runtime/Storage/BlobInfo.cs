using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>What a store knows of a blob without reading it.</summary>
/// <param name="Hash">The blob's name.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="LastPut">When it was last put, also where it was there already.</param>
public readonly record struct BlobInfo(BlobHash Hash, long Bytes, DateTimeOffset LastPut);
