using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace DiPaCo.Cluster;

/// <summary>What a token is, wherever its hash is kept.</summary>
internal static class TokenText
{
    private const int TokenBytes = 32;
    private const int MostCharacters = 128;

    /// <summary>A new token, and what is kept of it.</summary>
    public static (string Token, TokenRecord Record) New(TokenRole role, DateTimeOffset expires)
    {
        string token = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        string hash = HashOf(token);
        return (token, new TokenRecord(hash[..8], hash, role, expires));
    }

    /// <summary>What a token allows; null: it is unknown or has expired, and the reason says which.</summary>
    public static (TokenRecord? Record, string Reason) Find(ImmutableArray<TokenRecord> records, string token, DateTimeOffset now)
    {
        if (token.Length is 0 or > MostCharacters)
        {
            return (null, "This is no token.");
        }

        byte[] hash = Encoding.ASCII.GetBytes(HashOf(token));
        TokenRecord? found = null;
        foreach (TokenRecord record in records)
        {
            // All are compared, in constant time each: the time says nothing about the hashes.
            if (CryptographicOperations.FixedTimeEquals(hash, Encoding.ASCII.GetBytes(record.Hash)))
            {
                found = record;
            }
        }

        return found is null ? (null, "The token is unknown.")
            : found.Expires <= now ? (null, $"The token {found.Id} expired at {found.Expires:u}.")
            : (found, "");
    }

    private static string HashOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
