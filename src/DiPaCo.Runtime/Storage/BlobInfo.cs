using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>What a store knows of a blob without reading it.</summary>
/// <param name="Hash">The blob's name.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="LastPut">
/// When it was last put or renewed, by the store's clock; a store that only knows full seconds says the last moment of that second.
/// </param>
public readonly record struct BlobInfo(BlobHash Hash, long Bytes, DateTimeOffset LastPut);
