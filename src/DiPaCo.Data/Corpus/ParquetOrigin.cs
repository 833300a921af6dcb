using System.Globalization;
using DiPaCo.Core;
using Parquet;
using Parquet.Schema;

namespace DiPaCo.Data;

/// <summary>The column that names each record's original: text, or any plain value, which stands for its text.</summary>
internal sealed class ParquetOrigin
{
    private static readonly Dictionary<Type, Reader> Readers = new()
    {
        [typeof(string)] = TextAsync,
        [typeof(ReadOnlyMemory<char>)] = TextAsync,
        [typeof(bool)] = (rows, field, count, cancellationToken) => ReadAsync<bool>(rows, field, count, value => value ? "true" : "false", cancellationToken),
        [typeof(byte)] = NumbersAsync<byte>,
        [typeof(sbyte)] = NumbersAsync<sbyte>,
        [typeof(short)] = NumbersAsync<short>,
        [typeof(ushort)] = NumbersAsync<ushort>,
        [typeof(int)] = NumbersAsync<int>,
        [typeof(uint)] = NumbersAsync<uint>,
        [typeof(long)] = NumbersAsync<long>,
        [typeof(ulong)] = NumbersAsync<ulong>,
        [typeof(float)] = NumbersAsync<float>,
        [typeof(double)] = NumbersAsync<double>,
        [typeof(decimal)] = NumbersAsync<decimal>,
        [typeof(Guid)] = NumbersAsync<Guid>,
        [typeof(DateTime)] = (rows, field, count, cancellationToken) =>
            ReadAsync<DateTime>(rows, field, count, value => value.ToString("O", CultureInfo.InvariantCulture), cancellationToken),
    };

    private readonly DataField _field;
    private readonly Reader _read;

    private ParquetOrigin(DataField field, Reader read)
    {
        _field = field;
        _read = read;
    }

    private delegate Task<string?[]> Reader(ParquetRowGroupReader rows, DataField field, int count, CancellationToken cancellationToken);

    /// <summary>Finds the column; null where there is none.</summary>
    /// <exception cref="DiPaCoException">There is one, but its values are lists, structures or bytes.</exception>
    public static ParquetOrigin? Find(CorpusFile file, ParquetSchema schema, string name)
    {
        Field? field = schema.Fields.FirstOrDefault(field => field.Name == name);
        return field is null ? null
            : field is DataField { IsArray: false } data && Readers.TryGetValue(data.ClrType, out Reader? read) ? new ParquetOrigin(data, read)
            : throw new DiPaCoException(
                $"The corpus file {file.FullPath} has a column '{name}', which is to name each record's original, but its values are neither text nor numbers. Name another column (data.origin_field).");
    }

    /// <summary>Whether a column holds text.</summary>
    public static bool IsText(DataField field) => !field.IsArray && (field.ClrType == typeof(string) || field.ClrType == typeof(ReadOnlyMemory<char>));

    /// <summary>The values of a row group; null where there is none.</summary>
    public Task<string?[]> ReadAsync(ParquetRowGroupReader rows, int count, CancellationToken cancellationToken) =>
        _read(rows, _field, count, cancellationToken);

    private static async Task<string?[]> TextAsync(ParquetRowGroupReader rows, DataField field, int count, CancellationToken cancellationToken)
    {
        string?[] values = new string?[count];
        await rows.ReadAsync(field, values.AsMemory()!, null, cancellationToken);
        return values;
    }

    private static Task<string?[]> NumbersAsync<T>(ParquetRowGroupReader rows, DataField field, int count, CancellationToken cancellationToken)
        where T : struct, IFormattable => ReadAsync<T>(rows, field, count, value => value.ToString(null, CultureInfo.InvariantCulture), cancellationToken);

    private static async Task<string?[]> ReadAsync<T>(
        ParquetRowGroupReader rows, DataField field, int count, Func<T, string> text, CancellationToken cancellationToken)
        where T : struct
    {
        T?[] values = new T?[count];
        await rows.ReadAsync(field, values.AsMemory(), null, cancellationToken);
        return Array.ConvertAll(values, value => value is { } given ? text(given) : null);
    }
}
