using System.Buffers;
using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DiPaCo.Model.SafeTensors;

/// <summary>
/// Writes a safetensors file in one pass: the header when it is created, then the data in the order of the header.
/// The same tensors, metadata and bytes always give the same file. The data begins at a multiple of 64 bytes and
/// goes to the stream in large pieces straight from the caller's memory.
/// </summary>
public sealed class SafeTensorsWriter
{
    // Large enough that a call costs nothing, small enough that a cancellation is noticed soon.
    private const int LargestPiece = 64 << 20;

    private readonly Stream _destination;
    private long _missing;

    /// <summary>Writes the header.</summary>
    /// <param name="destination">Where the file goes, from the current position on; not disposed.</param>
    /// <param name="tensors">The tensors, in the order in which their data follows.</param>
    /// <param name="metadata">Pairs for <c>__metadata__</c>, written in this order.</param>
    /// <exception cref="ArgumentException">A tensor name or a metadata key occurs twice.</exception>
    public SafeTensorsWriter(Stream destination, IReadOnlyList<TensorSpec> tensors, IReadOnlyList<KeyValuePair<string, string>>? metadata = null)
    {
        _destination = destination;
        _missing = tensors.Sum(tensor => tensor.ByteLength);
        destination.Write(Header(tensors, metadata ?? []));
    }

    /// <summary>Writes a whole file from memory that the caller owns.</summary>
    /// <param name="destination">Where the file goes; not disposed.</param>
    /// <param name="tensors">The tensors in file order. Neighbours in memory are written together.</param>
    /// <param name="metadata">Pairs for <c>__metadata__</c>, written in this order.</param>
    /// <param name="cancellationToken">Looked at every 64 MiB.</param>
    public static void Write(
        Stream destination,
        IReadOnlyList<TensorMemory> tensors,
        IReadOnlyList<KeyValuePair<string, string>>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        var writer = new SafeTensorsWriter(destination, [.. tensors.Select(tensor => tensor.Spec)], metadata);
        nint start = 0;
        long length = 0;
        foreach (TensorMemory tensor in tensors)
        {
            if (length > 0 && start + (nint)length == tensor.Address)
            {
                length += tensor.Spec.ByteLength;
                continue;
            }

            writer.Append(start, length, cancellationToken);
            start = tensor.Address;
            length = tensor.Spec.ByteLength;
        }

        writer.Append(start, length, cancellationToken);
        writer.Complete();
    }

    /// <summary>Appends data: a part of a tensor, a tensor, or several that follow each other without a gap.</summary>
    /// <exception cref="InvalidOperationException">More bytes than the header announced.</exception>
    public void Append(ReadOnlySpan<byte> data)
    {
        if (data.Length > _missing)
        {
            throw new InvalidOperationException($"{data.Length} bytes were appended where the header leaves {_missing}.");
        }

        _destination.Write(data);
        _missing -= data.Length;
    }

    /// <summary>Appends <paramref name="byteLength"/> bytes from memory that the caller owns; more than 2 GiB are fine.</summary>
    public unsafe void Append(nint address, long byteLength, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(byteLength);
        for (long done = 0; done < byteLength;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int piece = (int)Math.Min(LargestPiece, byteLength - done);
            Append(new ReadOnlySpan<byte>((byte*)address + done, piece));
            done += piece;
        }
    }

    /// <summary>Confirms that all data has been appended.</summary>
    /// <exception cref="InvalidOperationException">Bytes that the header announced are missing.</exception>
    public void Complete()
    {
        if (_missing != 0)
        {
            throw new InvalidOperationException($"{_missing} bytes that the header announced were not appended.");
        }
    }

    private static ReadOnlySpan<byte> Header(IReadOnlyList<TensorSpec> tensors, IReadOnlyList<KeyValuePair<string, string>> metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.GetSpan(SafeTensorsFormat.LengthPrefix)[..SafeTensorsFormat.LengthPrefix].Clear();
        buffer.Advance(SafeTensorsFormat.LengthPrefix);
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            WriteTensors(json, tensors);
            json.WriteEndObject();
        }

        int padding = -buffer.WrittenCount & (SafeTensorsFormat.DataAlignment - 1);
        buffer.GetSpan(padding)[..padding].Fill((byte)' ');
        buffer.Advance(padding);
        int headerBytes = buffer.WrittenCount - SafeTensorsFormat.LengthPrefix;
        if (headerBytes > SafeTensorsFormat.MaximumHeaderBytes)
        {
            throw new ArgumentException(
                $"The header has {headerBytes} bytes; readers accept {SafeTensorsFormat.MaximumHeaderBytes}.", nameof(tensors));
        }

        byte[] header = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)headerBytes);
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, string>> metadata)
    {
        if (metadata.Count == 0)
        {
            return;
        }

        var seen = new HashSet<string>(StringComparer.Ordinal);
        json.WriteStartObject(SafeTensorsFormat.MetadataKey);
        foreach ((string key, string value) in metadata)
        {
            ThrowIfSeen(seen, key);
            json.WriteString(key, value);
        }

        json.WriteEndObject();
    }

    private static void WriteTensors(Utf8JsonWriter json, IReadOnlyList<TensorSpec> tensors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        long offset = 0;
        foreach (TensorSpec tensor in tensors)
        {
            ThrowIfSeen(seen, tensor.Name);
            json.WriteStartObject(tensor.Name);
            json.WriteString("dtype", tensor.DType.FormatName());
            json.WriteStartArray("shape");
            foreach (long dimension in tensor.Shape)
            {
                json.WriteNumberValue(dimension);
            }

            json.WriteEndArray();
            json.WriteStartArray("data_offsets");
            json.WriteNumberValue(offset);
            offset = checked(offset + tensor.ByteLength);
            json.WriteNumberValue(offset);
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    private static void ThrowIfSeen(HashSet<string> seen, string name)
    {
        if (!seen.Add(name))
        {
            throw new ArgumentException($"'{name}' occurs twice.", nameof(name));
        }
    }
}
