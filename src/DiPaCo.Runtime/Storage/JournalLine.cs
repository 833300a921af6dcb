using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// One line of the journal: a JSON object whose last member is a checksum of the line's bytes before it and of the
/// previous line's checksum. So a changed, missing, added or moved line is noticed.
/// </summary>
internal static class JournalLine
{
    public const int FormatVersion = 1;

    private const string FormatName = "dipaco-journal";
    private const int ChecksumDigits = 16;

    private static readonly byte[] s_checksumStart = ",\"checksum\":\""u8.ToArray();
    private static readonly byte[] s_lineEnd = "\"}\n"u8.ToArray();

    private static readonly JsonWriterOptions s_write = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonSerializerOptions s_strict = new(JsonSerializerOptions.Strict)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    /// <summary>The first line.</summary>
    public static byte[] FormatHeader(out string checksum) => Seal(
        string.Empty,
        json =>
        {
            json.WriteString("format", FormatName);
            json.WriteNumber("version", FormatVersion);
        },
        out checksum);

    /// <summary>A task's line, with its newline.</summary>
    public static byte[] Format(JournalEntry entry, string previousChecksum, out string checksum) => Seal(
        previousChecksum,
        json =>
        {
            json.WriteString("key", entry.Key);
            json.WriteString("kind", entry.Kind);
            WriteInputs(json, entry.Inputs);
            WriteOutputs(json, entry.Outputs);
            json.WritePropertyName("metrics");
            json.WriteRawValue(OnOneLine(entry.Metrics));
        },
        out checksum);

    /// <summary>Splits a line, without its newline, into its checked checksum and the object without it.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> line, string previousChecksum, [NotNullWhen(true)] out string? checksum)
    {
        checksum = null;
        int bodyLength = line.Length - s_checksumStart.Length - ChecksumDigits - s_lineEnd.Length + 1;
        if (bodyLength < 1
            || !line[bodyLength..].StartsWith(s_checksumStart)
            || !line.EndsWith(s_lineEnd.AsSpan()[..^1]))
        {
            return false;
        }

        string expected = Checksum(previousChecksum, line[..bodyLength]);
        if (!line.Slice(bodyLength + s_checksumStart.Length, ChecksumDigits).SequenceEqual(Encoding.ASCII.GetBytes(expected)))
        {
            return false;
        }

        checksum = expected;
        return true;
    }

    /// <summary>The version that a first line states; null if it is none.</summary>
    public static int? ParseHeader(ReadOnlySpan<byte> line)
    {
        try
        {
            // Lenient on purpose: the header of a later version may say more.
            Header? header = JsonSerializer.Deserialize<Header>(line, JsonSerializerOptions.Web);
            return header?.Format == FormatName ? header.Version : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads the entry of an opened line; null if it is none.</summary>
    public static JournalEntry? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            Row? row = JsonSerializer.Deserialize<Row>(line, s_strict);
            return row is null ? null : new JournalEntry(
                row.Key, row.Kind, row.Inputs, row.Outputs.ToImmutableSortedDictionary(StringComparer.Ordinal), row.Metrics.GetRawText());
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static byte[] Seal(string previousChecksum, Action<Utf8JsonWriter> writeMembers, out string checksum)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, s_write))
        {
            json.WriteStartObject();
            writeMembers(json);
            json.WriteEndObject();
        }

        ReadOnlySpan<byte> body = buffer.WrittenSpan[..^1];
        checksum = Checksum(previousChecksum, body);
        return [.. body, .. s_checksumStart, .. Encoding.ASCII.GetBytes(checksum), .. s_lineEnd];
    }

    private static void WriteInputs(Utf8JsonWriter json, ImmutableArray<BlobHash> inputs)
    {
        json.WriteStartArray("inputs");
        foreach (BlobHash input in inputs)
        {
            json.WriteStringValue(input.Hex);
        }

        json.WriteEndArray();
    }

    private static void WriteOutputs(Utf8JsonWriter json, ImmutableSortedDictionary<string, BlobHash> outputs)
    {
        json.WriteStartObject("outputs");
        foreach ((string name, BlobHash hash) in outputs.OrderBy(output => output.Key, StringComparer.Ordinal))
        {
            json.WriteString(name, hash.Hex);
        }

        json.WriteEndObject();
    }

    private static string OnOneLine(string json) => json.AsSpan().ContainsAny('\n', '\r')
        ? throw new ArgumentException("The metrics of a journal entry take one line.", nameof(json))
        : json;

    private static string Checksum(string previous, ReadOnlySpan<byte> body)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes(previous));
        hash.AppendData(body);
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..ChecksumDigits];
    }

    private sealed record Header(string? Format, int? Version);

    private sealed record Row(
        string Key,
        string Kind,
        ImmutableArray<BlobHash> Inputs,
        Dictionary<string, BlobHash> Outputs,
        JsonElement Metrics,
        string Checksum);
}
