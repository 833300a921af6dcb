using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace DiPaCo.Data;

/// <summary>What a document was cut from, and its hash.</summary>
public static class DocumentOrigin
{
    /// <summary>The origin field up to <c>#</c>; <paramref name="otherwise"/> where there is none.</summary>
    public static string Of(string? field, Func<string> otherwise)
    {
        if (string.IsNullOrEmpty(field))
        {
            return otherwise();
        }

        int hash = field.IndexOf('#', StringComparison.Ordinal);
        return hash < 0 ? field : hash > 0 ? field[..hash] : otherwise();
    }

    /// <summary>The origin of a record that names none: its text, so that neither its place nor its neighbors decide its split.</summary>
    public static string OfText(string text) => $"text:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";

    /// <summary>The first 64 bits (big-endian) of the SHA-256 of the origin's UTF-8 bytes: the same on every machine, whatever else is in the corpus.</summary>
    public static ulong Hash(string origin)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(origin), digest);
        return BinaryPrimitives.ReadUInt64BigEndian(digest);
    }
}
