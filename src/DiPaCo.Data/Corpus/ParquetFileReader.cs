using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using DiPaCo.Core;
using Parquet;
using Parquet.Schema;

namespace DiPaCo.Data;

/// <summary>Reads the columns of a Parquet file that hold text and origin, one row group at a time.</summary>
internal static class ParquetFileReader
{
    // A row group is read whole: this bounds memory, and a damaged header cannot ask for more.
    private const long MaximumRowGroupBytes = 2L << 30;

    // Rows cost memory before anything of them is read. A row of text takes a byte of the file at least; only rows without any, or all
    // alike, take less, and no writer makes groups of more than a million of those.
    private const long MaximumRows = 64L << 20;
    private const long RowsOfAnyFile = 1 << 20;

    // The library decodes bytes that are not UTF-8 into U+FFFD and does not say so. Web text holds some of those in its own right; text in
    // another encoding has one for every letter beyond ASCII.
    private const int ReplacedOneIn = 100;

    private static readonly Encoding StrictUtf16 = new UnicodeEncoding(bigEndian: false, byteOrderMark: false, throwOnInvalidBytes: true);

    public static async IAsyncEnumerable<Document> ReadAsync(
        CorpusFile file, CorpusOptions options, CorpusReport report, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using Stream stream = CorpusStream.Open(file);
        await using ParquetReader reader = await Guard(file, () => ParquetReader.CreateAsync(stream, new ParquetOptions { TreatByteArrayAsString = true }, leaveStreamOpen: true, cancellationToken));
        DataField text = Find(reader, options.TextField) ?? throw new DiPaCoException(
            $"The corpus file {file.FullPath} has no string column '{options.TextField}'. Its columns: {string.Join(", ", reader.Schema.GetDataFields().Select(field => $"{field.Name} ({field.ClrType.Name})"))}.");
        ParquetOrigin? origin = ParquetOrigin.Find(file, reader.Schema, options.OriginField);
        DataField? source = Find(reader, options.SourceField);
        foreach (Field field in reader.Schema.Fields.Where(_ => report.WantsFields))
        {
            report.Field(field.Name);
        }

        long row = 0;
        for (int group = 0; group < reader.RowGroupCount; group++)
        {
            using ParquetRowGroupReader rows = reader.OpenRowGroupReader(group);
            int count = Count(file, stream, rows);
            string?[] texts = await ColumnAsync(file, rows, text, count, cancellationToken);
            string?[]? origins = origin is null ? null : await Guard(file, () => origin.ReadAsync(rows, count, cancellationToken));
            string?[]? sources = source is null ? null : await ColumnAsync(file, rows, source, count, cancellationToken);
            for (int i = 0; i < count; i++)
            {
                row++;
                string? reason = Reason(texts[i], options);
                if (reason is not null)
                {
                    report.Bad(new BadRecord(file.FullPath, row, reason), options.MaximumBadShare);
                    continue;
                }

                report.Record(!string.IsNullOrEmpty(origins?[i]));
                string location = $"{file.Name}:{row}";
                string name = sources?[i] is { Length: > 0 } given ? given : file.Stem;
                yield return new Document(texts[i]!, DocumentOrigin.Of(origins?[i], () => DocumentOrigin.OfText(texts[i]!)), name, location);
            }
        }
    }

    private static string? Reason(string? text, CorpusOptions options)
    {
        if (string.IsNullOrWhiteSpace(text))
        {
            return text is null ? $"no '{options.TextField}'" : $"'{options.TextField}' is empty";
        }

        if (text.Length > options.MaximumRecordBytes)
        {
            return $"longer than {options.MaximumRecordBytes} bytes";
        }

        // Half a surrogate pair cannot come from the library, but costs little to refuse.
        try
        {
            StrictUtf16.GetByteCount(text);
            return text.AsSpan().Count('\uFFFD') > text.Length / ReplacedOneIn ? $"not UTF-8 (more than one character in {ReplacedOneIn} is U+FFFD)" : null;
        }
        catch (EncoderFallbackException)
        {
            return "not UTF-8";
        }
    }

    private static DataField? Find(ParquetReader reader, string name) => Array.Find(
        reader.Schema.GetDataFields(), field => field.Name == name && field.Path.Length == 1 && ParquetOrigin.IsText(field));

    private static int Count(CorpusFile file, Stream stream, ParquetRowGroupReader rows)
    {
        long bytes = rows.RowGroup.TotalByteSize;
        long mostRows = Math.Min(MaximumRows, Math.Max(RowsOfAnyFile, stream.Length));
        if (bytes is < 0 or > MaximumRowGroupBytes || rows.RowCount < 0 || rows.RowCount > mostRows)
        {
            throw new DiPaCoException(string.Create(
                CultureInfo.InvariantCulture,
                $"The corpus file {file.FullPath} has a row group of {rows.RowCount:N0} rows and {bytes:N0} bytes; at most {mostRows:N0} rows (for a file of its {stream.Length:N0} bytes) and {MaximumRowGroupBytes:N0} bytes are read at once. Write it again with smaller row groups."));
        }

        return (int)rows.RowCount;
    }

    private static Task<string?[]> ColumnAsync(CorpusFile file, ParquetRowGroupReader rows, DataField field, int count, CancellationToken cancellationToken) =>
        Guard(file, async () =>
        {
            string?[] values = new string?[count];
            await rows.ReadAsync(field, values.AsMemory()!, null, cancellationToken);
            return values;
        });

    private static async Task<T> Guard<T>(CorpusFile file, Func<Task<T>> read)
    {
        try
        {
            return await read();
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or OutOfMemoryException or DiPaCoException))
        {
            // A foreign parser on foreign bytes: whatever it stumbles over, the file is what is wrong.
            throw new DiPaCoException($"The corpus file {file.FullPath} is not a readable Parquet file: {failure.Message} Fetch it again or remove it.", failure);
        }
    }
}
