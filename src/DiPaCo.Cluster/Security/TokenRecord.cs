namespace DiPaCo.Cluster;

/// <summary>What is kept of a token: never the token itself.</summary>
/// <param name="Id">Its name, for lists and logs; it opens nothing.</param>
/// <param name="Hash">SHA-256 of the token, 64 hexadecimal digits.</param>
/// <param name="Role">What it allows.</param>
/// <param name="Expires">When it ends.</param>
public sealed record TokenRecord(string Id, string Hash, TokenRole Role, DateTimeOffset Expires);
