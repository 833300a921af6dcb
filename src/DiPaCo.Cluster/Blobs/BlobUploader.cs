namespace DiPaCo.Cluster.Blobs;

/// <summary>Who uploads.</summary>
/// <param name="User">Who it is, from what was proved: two users never share an unfinished upload, and each has limits of its own.</param>
/// <param name="Client">Which of the user's programs, as that says itself; empty: the only one.</param>
public readonly record struct BlobUploader(string User, string Client);
