using System.Text.Json;
using System.Text.Unicode;

namespace DiPaCo.Model.SafeTensors;

/// <summary>
/// The parsed header. The bytes come from anywhere, so everything is checked before it is believed; time and memory
/// are proportional to the header, never to the numbers that stand in it.
/// </summary>
internal sealed class SafeTensorsHeader
{
    // The header object, a tensor's object, its arrays.
    private static readonly JsonReaderOptions Strict = new() { MaxDepth = 3 };

    private readonly string _file;
    private readonly long _dataStart;
    private readonly long _dataLength;
    private readonly Dictionary<string, StoredTensor> _byName = new(StringComparer.Ordinal);
    private readonly List<KeyValuePair<string, string>> _metadata = [];

    private SafeTensorsHeader(string file, long dataStart, long dataLength)
    {
        _file = file;
        _dataStart = dataStart;
        _dataLength = dataLength;
    }

    public IReadOnlyDictionary<string, StoredTensor> ByName => _byName;

    /// <summary>In the order of their data.</summary>
    public IReadOnlyList<StoredTensor> Tensors { get; private set; } = [];

    public IReadOnlyList<KeyValuePair<string, string>> Metadata => _metadata;

    public static SafeTensorsHeader Parse(string file, ReadOnlySpan<byte> json, long dataLength)
    {
        var header = new SafeTensorsHeader(file, SafeTensorsFormat.LengthPrefix + json.Length, dataLength);
        if (!Utf8.IsValid(json))
        {
            throw header.Refuse("the header is not UTF-8");
        }

        try
        {
            header.ReadObject(json);
        }
        catch (JsonException e)
        {
            throw new SafeTensorsException(file, $"the header is not the expected JSON (byte {e.BytePositionInLine} of line {e.LineNumber})", e);
        }
        catch (InvalidOperationException e)
        {
            // What Utf8JsonReader.GetString throws for an escaped half of a surrogate pair.
            throw new SafeTensorsException(file, "the header holds a string that is not valid text", e);
        }

        header.CheckCoverage();
        return header;
    }

    private void ReadObject(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, Strict);
        Expect(ref reader, JsonTokenType.StartObject, "the header");
        bool metadataSeen = false;
        while (NextName(ref reader) is { } name)
        {
            if (name != SafeTensorsFormat.MetadataKey)
            {
                ReadTensor(ref reader, name);
                continue;
            }

            if (metadataSeen)
            {
                throw Refuse($"'{name}' occurs twice");
            }

            metadataSeen = true;
            ReadMetadata(ref reader);
        }

        if (reader.Read())
        {
            throw Refuse("something follows the header object");
        }
    }

    private void ReadMetadata(ref Utf8JsonReader reader)
    {
        Expect(ref reader, JsonTokenType.StartObject, SafeTensorsFormat.MetadataKey);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (NextName(ref reader) is { } key)
        {
            if (!seen.Add(key))
            {
                throw Refuse($"the metadata key {Quote(key)} occurs twice");
            }

            Expect(ref reader, JsonTokenType.String, $"metadata {Quote(key)}");
            _metadata.Add(new(key, reader.GetString()!));
        }
    }

    private void ReadTensor(ref Utf8JsonReader reader, string name)
    {
        if (name.Length == 0)
        {
            throw Refuse("a tensor has an empty name");
        }

        TensorDType? dtype = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        Expect(ref reader, JsonTokenType.StartObject, $"tensor {Quote(name)}");
        while (NextName(ref reader) is { } field)
        {
            switch (field)
            {
                case "dtype" when dtype is null:
                    dtype = ReadDType(ref reader, name);
                    break;
                case "shape" when shape is null:
                    shape = ReadNumbers(ref reader, name, field);
                    break;
                case "data_offsets" when offsets is null:
                    offsets = ReadNumbers(ref reader, name, field);
                    break;
                default:
                    throw Refuse($"tensor {Quote(name)} has an unknown or repeated field {Quote(field)}");
            }
        }

        if (dtype is null || shape is null || offsets is not [long begin, long end])
        {
            throw Refuse($"tensor {Quote(name)} needs dtype, shape and two data_offsets");
        }

        Add(name, dtype.Value, shape, begin, end);
    }

    private void Add(string name, TensorDType dtype, List<long> shape, long begin, long end)
    {
        TensorSpec spec;
        try
        {
            spec = new TensorSpec(name, dtype, [.. shape]);
        }
        catch (OverflowException e)
        {
            throw new SafeTensorsException(_file, $"tensor {Quote(name)} has an impossible size", e);
        }

        if (begin > end || end > _dataLength)
        {
            throw Refuse($"tensor {Quote(name)} lies at bytes {begin} to {end} of {_dataLength}");
        }

        if (end - begin != spec.ByteLength)
        {
            throw Refuse($"tensor {Quote(name)} has {end - begin} bytes, its type and shape mean {spec.ByteLength}");
        }

        if (!_byName.TryAdd(name, new StoredTensor(spec, _dataStart + begin)))
        {
            throw Refuse($"tensor {Quote(name)} occurs twice");
        }
    }

    private TensorDType ReadDType(ref Utf8JsonReader reader, string name)
    {
        Expect(ref reader, JsonTokenType.String, $"the dtype of {Quote(name)}");
        string text = reader.GetString()!;
        return TensorDTypes.TryParse(text, out TensorDType dtype) ? dtype : throw Refuse($"tensor {Quote(name)} has the unknown dtype {Quote(text)}");
    }

    private List<long> ReadNumbers(ref Utf8JsonReader reader, string name, string field)
    {
        Expect(ref reader, JsonTokenType.StartArray, $"{field} of {Quote(name)}");
        List<long> numbers = [];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long number) || number < 0)
            {
                throw Refuse($"{field} of {Quote(name)} must hold non-negative integers below 2^63");
            }

            numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>The tensors must tile the data: no overlap (two names for one memory), no hole (a place to hide bytes).</summary>
    private void CheckCoverage()
    {
        Tensors = [.. _byName.Values.OrderBy(tensor => tensor.FileOffset).ThenBy(tensor => tensor.Spec.ByteLength)];
        long expected = _dataStart;
        foreach (StoredTensor tensor in Tensors)
        {
            if (tensor.FileOffset != expected)
            {
                throw Refuse($"tensor {Quote(tensor.Spec.Name)} {(tensor.FileOffset < expected ? "overlaps the one" : "leaves a hole after what is")} before it");
            }

            expected += tensor.Spec.ByteLength;
        }

        if (expected != _dataStart + _dataLength)
        {
            throw Refuse($"the tensors take {expected - _dataStart} bytes, the file holds {_dataLength}");
        }
    }

    private static string? NextName(ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.PropertyName ? reader.GetString() : null;

    private void Expect(ref Utf8JsonReader reader, JsonTokenType token, string where)
    {
        if (!reader.Read() || reader.TokenType != token)
        {
            throw Refuse($"{where} must be a JSON {token switch { JsonTokenType.StartObject => "object", JsonTokenType.StartArray => "array", _ => "string" }}");
        }
    }

    private SafeTensorsException Refuse(string reason) => new(_file, reason);

    // A name may have a hundred megabytes or control characters; a message may not.
    internal static string Quote(string name)
    {
        string shortened = name.Length <= 100 ? name : name[..100] + "…";
        return $"'{string.Create(shortened.Length, shortened, (span, text) =>
        {
            for (int i = 0; i < span.Length; i++)
            {
                span[i] = char.IsControl(text[i]) ? '?' : text[i];
            }
        })}'";
    }
}
