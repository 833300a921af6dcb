using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace DiPaCo.Data;

/// <summary>Reads one JSON object a line: .jsonl, and .json in C4's layout.</summary>
internal static class JsonLinesReader
{
    private const int LongestNotedField = 200;

    public static async IAsyncEnumerable<Document> ReadAsync(
        CorpusFile file, CorpusOptions options, CorpusReport report, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using Stream stream = CorpusStream.Open(file);
        var lines = new LineReader(file, stream, options.MaximumRecordBytes);
        while (await lines.ReadAsync(cancellationToken))
        {
            if (!lines.TooLong && lines.Line.Span.Trim(" \t"u8).IsEmpty)
            {
                continue;
            }

            Fields fields = default;
            string? reason = lines.TooLong ? $"longer than {options.MaximumRecordBytes} bytes" : TryParse(lines.Line.Span, options, report, out fields);
            if (reason is not null)
            {
                report.Bad(new BadRecord(file.FullPath, lines.Number, reason), options.MaximumBadShare);
                continue;
            }

            report.Record(fields.Origin is not null);
            string location = $"{file.Name}:{lines.Number}";
            yield return new Document(fields.Text!, DocumentOrigin.Of(fields.Origin, () => DocumentOrigin.OfText(fields.Text!)), fields.Source ?? file.Stem, location);
        }
    }

    /// <summary>The reason why the line is bad; null where it is good.</summary>
    private static string? TryParse(ReadOnlySpan<byte> line, CorpusOptions options, CorpusReport report, out Fields fields)
    {
        fields = default;
        if (!Utf8.IsValid(line))
        {
            return "not UTF-8";
        }

        try
        {
            return Parse(line, options, report, ref fields);
        }
        catch (JsonException failure)
        {
            return $"not a JSON object on one line (byte {failure.BytePositionInLine})";
        }
        catch (InvalidOperationException)
        {
            // The JSON reader's word for an escape such as \ud800 that is half of a character.
            return "a string holds half of a surrogate pair";
        }
    }

    private static string? Parse(ReadOnlySpan<byte> line, CorpusOptions options, CorpusReport report, ref Fields fields)
    {
        var reader = new Utf8JsonReader(line);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return "not a JSON object";
        }

        bool textSeen = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool text = reader.ValueTextEquals(options.TextField);
            bool origin = reader.ValueTextEquals(options.OriginField);
            bool source = reader.ValueTextEquals(options.SourceField);
            if (report.WantsFields && !reader.ValueIsEscaped && reader.ValueSpan.Length <= LongestNotedField)
            {
                report.Field(reader.GetString()!);
            }

            reader.Read();
            textSeen |= text;
            if (reader.TokenType == JsonTokenType.String && (text || origin || source))
            {
                string? value = reader.GetString();
                fields.Text = text ? value : fields.Text;
                fields.Origin = origin && value!.Length > 0 ? value : fields.Origin;
                fields.Source = source && value!.Length > 0 ? value : fields.Source;
            }
            else if (text)
            {
                return $"field '{options.TextField}' is not a string";
            }
            else if (origin && reader.TokenType is (JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False))
            {
                fields.Origin = Encoding.UTF8.GetString(reader.ValueSpan);
            }
            else if (origin && reader.TokenType is (JsonTokenType.StartObject or JsonTokenType.StartArray))
            {
                return $"field '{options.OriginField}' is neither a string nor a number";
            }

            reader.Skip();
        }

        // Reads to the end of the line, so that anything after the object is an error.
        while (reader.Read())
        {
        }

        return !textSeen ? $"no field '{options.TextField}'"
            : string.IsNullOrWhiteSpace(fields.Text) ? $"field '{options.TextField}' is empty"
            : null;
    }

    private record struct Fields(string? Text, string? Origin, string? Source);
}
