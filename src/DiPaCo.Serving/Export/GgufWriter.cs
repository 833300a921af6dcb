using System.Buffers.Binary;
using System.Text;

namespace DiPaCo.Serving.Export;

/// <summary>
/// Writes a GGUF file, version 3: pairs of keys and values, then what tensors there are, then their data, each beginning at a multiple of 32
/// bytes. Little-endian.
/// </summary>
internal sealed class GgufWriter : IDisposable
{
    private const int Alignment = 32;

    private readonly MemoryStream _pairs = new();
    private readonly MemoryStream _tensors = new();
    private readonly List<long> _sizes = [];
    private ulong _pairCount;
    private long _offset;

    /// <summary>Adds text.</summary>
    public void Add(string key, string value)
    {
        Key(key, ValueKind.Text);
        Text(_pairs, value);
    }

    /// <summary>Adds an unsigned number.</summary>
    public void Add(string key, uint value)
    {
        Key(key, ValueKind.UInt32);
        Number(_pairs, value);
    }

    /// <summary>Adds a 32-bit floating-point number.</summary>
    public void Add(string key, float value)
    {
        Key(key, ValueKind.Float32);
        Number(_pairs, BitConverter.SingleToUInt32Bits(value));
    }

    /// <summary>Adds a truth value.</summary>
    public void Add(string key, bool value)
    {
        Key(key, ValueKind.Boolean);
        _pairs.WriteByte(value ? (byte)1 : (byte)0);
    }

    /// <summary>Adds a list of text.</summary>
    public void Add(string key, IReadOnlyList<string> values)
    {
        List(key, ValueKind.Text, values.Count);
        foreach (string value in values)
        {
            Text(_pairs, value);
        }
    }

    /// <summary>Adds a list of signed numbers.</summary>
    public void Add(string key, IReadOnlyList<int> values)
    {
        List(key, ValueKind.Int32, values.Count);
        foreach (int value in values)
        {
            Number(_pairs, (uint)value);
        }
    }

    /// <summary>Announces a tensor; its data follows in the order of the announcements.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its dimensions, slowest first.</param>
    /// <param name="type">How its elements are stored.</param>
    /// <param name="bytes">Bytes of its data.</param>
    public void Announce(string name, IReadOnlyList<long> shape, ExportType type, long bytes)
    {
        Text(_tensors, name);
        Number(_tensors, (uint)shape.Count);
        foreach (long dimension in shape.Reverse())
        {
            Number(_tensors, (ulong)dimension);
        }

        Number(_tensors, type switch { ExportType.F32 => 0u, ExportType.F16 => 1u, ExportType.Q80 => 8u, _ => 30u });
        Number(_tensors, (ulong)_offset);
        _sizes.Add(bytes);
        _offset += Padded(bytes);
    }

    /// <summary>Writes the file.</summary>
    /// <param name="destination">Where it goes.</param>
    /// <param name="data">The bytes of a tensor, by the number of its announcement.</param>
    /// <param name="cancellationToken">Looked at before each tensor.</param>
    public void Write(Stream destination, Func<int, byte[]> data, CancellationToken cancellationToken)
    {
        using MemoryStream head = new();
        head.Write("GGUF"u8);
        Number(head, 3u);
        Number(head, (ulong)_sizes.Count);
        Number(head, _pairCount);
        _pairs.WriteTo(head);
        _tensors.WriteTo(head);
        head.Write(new byte[Padded(head.Length) - head.Length]);
        head.WriteTo(destination);
        for (int tensor = 0; tensor < _sizes.Count; tensor++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            byte[] bytes = data(tensor);
            if (bytes.Length != _sizes[tensor])
            {
                throw new InvalidOperationException($"Tensor {tensor} has {bytes.Length} bytes where {_sizes[tensor]} were announced.");
            }

            destination.Write(bytes);
            destination.Write(new byte[Padded(bytes.Length) - bytes.Length]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _pairs.Dispose();
        _tensors.Dispose();
    }

    private static long Padded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static void Text(Stream stream, string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        Number(stream, (ulong)bytes.Length);
        stream.Write(bytes);
    }

    private static void Number(Stream stream, uint value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private static void Number(Stream stream, ulong value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        stream.Write(bytes);
    }

    private void Key(string key, ValueKind kind)
    {
        _pairCount++;
        Text(_pairs, key);
        Number(_pairs, (uint)kind);
    }

    private void List(string key, ValueKind kind, int count)
    {
        Key(key, ValueKind.List);
        Number(_pairs, (uint)kind);
        Number(_pairs, (ulong)count);
    }

    private enum ValueKind : uint
    {
        UInt32 = 4,
        Int32 = 5,
        Float32 = 6,
        Boolean = 7,
        Text = 8,
        List = 9,
    }
}
