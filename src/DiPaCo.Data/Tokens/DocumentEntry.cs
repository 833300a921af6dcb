namespace DiPaCo.Data;

/// <summary>What a chunk knows about a document besides its tokens.</summary>
/// <param name="OriginHash">Hash of the origin (<see cref="DocumentOrigin.Hash"/>).</param>
/// <param name="Source">Index into the chunk's names of sources.</param>
/// <param name="Split">What the document is used for.</param>
/// <param name="TokenOffset">Where its tokens begin in the chunk.</param>
/// <param name="TokenCount">How many they are, the end-of-text tokens around them included.</param>
/// <param name="ByteCount">UTF-8 bytes of its text.</param>
public readonly record struct DocumentEntry(ulong OriginHash, int Source, Split Split, long TokenOffset, int TokenCount, int ByteCount);
