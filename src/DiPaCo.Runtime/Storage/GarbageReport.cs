namespace DiPaCo.Runtime.Storage;

/// <summary>What a collection did.</summary>
/// <param name="DeletedBlobs">Blobs that nothing refers to.</param>
/// <param name="FreedBytes">Their size.</param>
/// <param name="KeptBlobs">Blobs that are live, or too young to judge.</param>
/// <param name="KeptBytes">Their size.</param>
public sealed record GarbageReport(int DeletedBlobs, long FreedBytes, int KeptBlobs, long KeptBytes);
