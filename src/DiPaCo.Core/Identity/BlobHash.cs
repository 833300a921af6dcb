using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DiPaCo.Core;

/// <summary>The name of a blob: the SHA-256 of its bytes, as 64 lower-case hexadecimal digits.</summary>
[JsonConverter(typeof(BlobHashJsonConverter))]
public readonly record struct BlobHash : IComparable<BlobHash>
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private readonly string? _hex;

    private BlobHash(string hex) => _hex = hex;

    /// <summary>The 64 hexadecimal digits; 64 zeros for the default value.</summary>
    public string Hex => _hex ?? new string('0', 64);

    /// <summary>Hashes <paramref name="bytes"/>.</summary>
    public static BlobHash Of(ReadOnlySpan<byte> bytes) => FromDigest(SHA256.HashData(bytes));

    /// <summary>Wraps a finished SHA-256 digest of 32 bytes.</summary>
    /// <exception cref="ArgumentException">The digest is not 32 bytes long.</exception>
    public static BlobHash FromDigest(ReadOnlySpan<byte> digest) => digest.Length == SHA256.HashSizeInBytes
        ? new BlobHash(Convert.ToHexStringLower(digest))
        : throw new ArgumentException($"A SHA-256 digest has 32 bytes, this one {digest.Length}.", nameof(digest));

    /// <summary>Reads 64 lower-case hexadecimal digits; anything else is refused, so a hash is always safe as a file name.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out BlobHash hash)
    {
        bool valid = text is { Length: 64 } && !text.AsSpan().ContainsAnyExcept(HexDigits);
        hash = valid ? new BlobHash(text!) : default;
        return valid;
    }

    /// <summary>Reads 64 lower-case hexadecimal digits.</summary>
    /// <exception cref="FormatException">The text is not a SHA-256 in lower-case hexadecimal digits.</exception>
    public static BlobHash Parse(string text) => TryParse(text, out BlobHash hash)
        ? hash
        : throw new FormatException($"'{text}' is not a blob hash: expected 64 lower-case hexadecimal digits.");

    /// <inheritdoc/>
    public int CompareTo(BlobHash other) => string.CompareOrdinal(Hex, other.Hex);

    /// <inheritdoc/>
    public override string ToString() => Hex;

    /// <summary>Orders by hexadecimal digits.</summary>
    public static bool operator <(BlobHash left, BlobHash right) => left.CompareTo(right) < 0;

    /// <summary>Orders by hexadecimal digits.</summary>
    public static bool operator >(BlobHash left, BlobHash right) => left.CompareTo(right) > 0;

    /// <summary>Orders by hexadecimal digits.</summary>
    public static bool operator <=(BlobHash left, BlobHash right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by hexadecimal digits.</summary>
    public static bool operator >=(BlobHash left, BlobHash right) => left.CompareTo(right) >= 0;
}

/// <summary>Writes a <see cref="BlobHash"/> as its hexadecimal digits.</summary>
internal sealed class BlobHashJsonConverter : JsonConverter<BlobHash>
{
    public override BlobHash Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        BlobHash.TryParse(reader.GetString(), out BlobHash hash)
            ? hash
            : throw new JsonException("A blob hash has 64 lower-case hexadecimal digits.");

    public override void Write(Utf8JsonWriter writer, BlobHash value, JsonSerializerOptions options) => writer.WriteStringValue(value.Hex);
}
