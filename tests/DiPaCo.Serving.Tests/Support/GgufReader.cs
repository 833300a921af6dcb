using System.Text;
using Xunit;

namespace DiPaCo.Serving.Tests.Support;

/// <summary>Reads a GGUF file by the format's own description, for comparison with what was written.</summary>
internal sealed class GgufReader
{
    private const int Alignment = 32;

    private readonly byte[] _bytes;
    private readonly long _data;

    public GgufReader(string file)
    {
        _bytes = File.ReadAllBytes(file);
        using BinaryReader reader = new(new MemoryStream(_bytes), Encoding.UTF8);
        Assert.Equal("GGUF"u8.ToArray(), reader.ReadBytes(4));
        Assert.Equal(3u, reader.ReadUInt32());
        ulong tensors = reader.ReadUInt64();
        ulong pairs = reader.ReadUInt64();
        for (ulong pair = 0; pair < pairs; pair++)
        {
            string key = Text(reader);
            Pairs.Add(key, Value(reader, reader.ReadUInt32()));
        }

        for (ulong tensor = 0; tensor < tensors; tensor++)
        {
            string name = Text(reader);
            ulong[] dimensions = [.. Enumerable.Range(0, (int)reader.ReadUInt32()).Select(_ => reader.ReadUInt64())];
            Tensors.Add(name, (dimensions, reader.ReadUInt32(), reader.ReadUInt64()));
        }

        _data = (reader.BaseStream.Position + Alignment - 1) / Alignment * Alignment;
    }

    public Dictionary<string, object> Pairs { get; } = [];

    /// <summary>Dimensions (fastest first), type and offset of each tensor.</summary>
    public Dictionary<string, (ulong[] Dimensions, uint Type, ulong Offset)> Tensors { get; } = [];

    /// <summary>Where a tensor's bytes begin in the file.</summary>
    public long PositionOf(string name) => _data + (long)Tensors[name].Offset;

    /// <summary>The elements of a tensor as numbers.</summary>
    public float[] Read(string name)
    {
        (ulong[] dimensions, uint type, ulong offset) = Tensors[name];
        Assert.Equal(0ul, offset % Alignment);
        int count = (int)dimensions.Aggregate((product, dimension) => product * dimension);
        ReadOnlySpan<byte> data = _bytes.AsSpan((int)PositionOf(name));
        float[] values = new float[count];
        for (int at = 0; at < count; at++)
        {
            values[at] = type switch
            {
                0 => BitConverter.ToSingle(data[(at * 4)..]),
                1 => (float)BitConverter.ToHalf(data[(at * 2)..]),
                30 => BitConverter.UInt32BitsToSingle((uint)BitConverter.ToUInt16(data[(at * 2)..]) << 16),
                8 => (float)BitConverter.ToHalf(data[(at / 32 * 34)..]) * (sbyte)data[(at / 32 * 34) + 2 + (at % 32)],
                _ => throw new NotSupportedException($"Type {type}."),
            };
        }

        return values;
    }

    private static string Text(BinaryReader reader) => Encoding.UTF8.GetString(reader.ReadBytes((int)reader.ReadUInt64()));

    private static object Value(BinaryReader reader, uint kind) => kind switch
    {
        4 => reader.ReadUInt32(),
        5 => reader.ReadInt32(),
        6 => reader.ReadSingle(),
        7 => reader.ReadByte() == 1,
        8 => Text(reader),
        9 => List(reader, reader.ReadUInt32(), reader.ReadUInt64()),
        _ => throw new NotSupportedException($"Kind {kind}."),
    };

    private static object[] List(BinaryReader reader, uint kind, ulong count) => [.. Enumerable.Range(0, (int)count).Select(_ => Value(reader, kind))];
}
