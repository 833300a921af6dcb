using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime;

/// <summary>A run whose text has become tokens: what is left of it can be computed without the user's files, anywhere.</summary>
/// <param name="Run">What it is.</param>
/// <param name="Journal">The journal with the tasks that read the user's files, as the bytes of its file.</param>
/// <param name="Blobs">The blobs that it names.</param>
/// <param name="Store">Where they are.</param>
public sealed record PreparedRun(RunDescription Run, byte[] Journal, ImmutableArray<BlobHash> Blobs, IBlobStore Store);
