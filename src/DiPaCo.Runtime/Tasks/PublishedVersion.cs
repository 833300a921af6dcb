using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>A version θ̂ of a module that paths train from, where that is not the master θ.</summary>
/// <param name="Blob">Its parameters.</param>
/// <param name="Delta">How to come to them from the version that was published before; null: only as a whole.</param>
public sealed record PublishedVersion(BlobHash Blob, VersionDelta? Delta);
