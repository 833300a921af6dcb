using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>How to come to a version of a module from the one before it. Only a way of transport: whoever lacks the one before reads the whole.</summary>
/// <param name="Base">The version before.</param>
/// <param name="Blob">The encoded difference.</param>
public sealed record VersionDelta(BlobHash Base, BlobHash Blob);
