using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;
using Xunit;

namespace DiPaCo.Model.Tests.SafeTensors;

public sealed class SafeTensorsRoundTripTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void File_ConsistsOfLengthHeaderPaddedTo64AndData()
    {
        float[] weights = [1, 2, 3, 4, 5, 6];
        byte[] flags = [1, 0, 1];
        var stream = new MemoryStream();

        var writer = new SafeTensorsWriter(
            stream,
            [new TensorSpec("w", TensorDType.F32, 2, 3), new TensorSpec("flags", TensorDType.Boolean, 3)],
            [new("made by", "a test"), new("about", "a \"format\"")]);
        writer.Append(MemoryMarshal.AsBytes<float>(weights));
        writer.Append(flags);
        writer.Complete();

        byte[] file = stream.ToArray();
        int headerLength = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        Assert.Equal(0, (8 + headerLength) % 64);
        string header = Encoding.UTF8.GetString(file, 8, headerLength);
        Assert.Equal(
            """{"__metadata__":{"made by":"a test","about":"a \"format\""},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"flags":{"dtype":"BOOL","shape":[3],"data_offsets":[24,27]}}""",
            header.TrimEnd(' '));
        Assert.Equal([.. MemoryMarshal.AsBytes<float>(weights), .. flags], file[(8 + headerLength)..]);
    }

    [Fact]
    public void EveryElementType_ComesBackWithNameShapeAndBytes()
    {
        TensorSpec[] specs = [.. Enum.GetValues<TensorDType>().Select(dtype => new TensorSpec($"tensor.{dtype}", dtype, 3, 1, 5))];
        byte[][] data = [.. specs.Select((spec, index) => Bytes(spec.ByteLength, index))];
        string path = _folder.File("all.safetensors");
        using (FileStream stream = File.Create(path))
        {
            var writer = new SafeTensorsWriter(stream, specs, [new("k", "v")]);
            Array.ForEach(data, bytes => writer.Append(bytes));
            writer.Complete();
        }

        using var reader = SafeTensorsReader.Open(path);

        Assert.Equal(specs.Select(spec => spec.ToString()), reader.Tensors.Select(tensor => tensor.Spec.ToString()));
        Assert.Equal([new("k", "v")], reader.Metadata);
        for (int i = 0; i < specs.Length; i++)
        {
            byte[] read = new byte[data[i].Length];
            reader.ReadInto<byte>(specs[i].Name, read);
            Assert.Equal(data[i], read);
        }
    }

    [Fact]
    public void ScalarsEmptyTensorsAndNoTensors_AreFiles()
    {
        string path = _folder.File("odd.safetensors");
        using (FileStream stream = File.Create(path))
        {
            var writer = new SafeTensorsWriter(
                stream, [new TensorSpec("empty", TensorDType.F32, 4, 0), new TensorSpec("scalar", TensorDType.I64), new TensorSpec("also empty", TensorDType.U8, 0)]);
            writer.Append(BitConverter.GetBytes(42L));
            writer.Complete();
        }

        long[] scalar = new long[1];
        using (var reader = SafeTensorsReader.Open(path))
        {
            reader.ReadInto<long>("scalar", scalar);
            reader.ReadInto<float>("empty", []);
            Assert.Equal(3, reader.Tensors.Count);
        }

        Assert.Equal(42, scalar[0]);
        using (FileStream stream = File.Create(path))
        {
            SafeTensorsWriter.Write(stream, [], cancellationToken: Cancellation);
        }

        using var nothing = SafeTensorsReader.Open(path);
        Assert.Empty(nothing.Tensors);
    }

    [Fact]
    public unsafe void FlatBufferWithPadding_LosesThePaddingInTheFileAndGetsItBackInMemory()
    {
        // 5 elements in slots of 32, and a neighbour without a gap.
        TensorSpec[] specs = [new("a", TensorDType.F32, 5), new("b", TensorDType.F32, 32), new("c", TensorDType.F32, 2, 3)];
        long[] offsets = [0, 32, 64];
        float[] buffer = new float[96];
        foreach ((TensorSpec spec, long offset) in specs.Zip(offsets))
        {
            for (int i = 0; i < spec.ByteLength / 4; i++)
            {
                buffer[offset + i] = offset + i + 1;
            }
        }

        float[] read = new float[96];
        string path = _folder.File("flat.safetensors");
        fixed (float* source = buffer, destination = read)
        {
            nint from = (nint)source;
            nint to = (nint)destination;
            using (FileStream stream = File.Create(path))
            {
                SafeTensorsWriter.Write(stream, [.. specs.Zip(offsets, (spec, offset) => new TensorMemory(spec, from + (nint)(offset * 4)))], cancellationToken: Cancellation);
            }

            using var reader = SafeTensorsReader.Open(path);
            reader.ReadInto([.. specs.Zip(offsets, (spec, offset) => new TensorMemory(spec, to + (nint)(offset * 4)))], Cancellation);
            Assert.Equal(specs.Sum(spec => spec.ByteLength), new FileInfo(path).Length - reader.Tensors[0].FileOffset);
        }

        Assert.Equal(buffer, read);
    }

    [Fact]
    public unsafe void ContiguousTensors_AreWrittenInOneCall()
    {
        byte[] buffer = Bytes(4096, 1);
        var stream = new CountingStream();
        fixed (byte* start = buffer)
        {
            nint address = (nint)start;
            SafeTensorsWriter.Write(
                stream, [.. Enumerable.Range(0, 64).Select(i => new TensorMemory(new TensorSpec($"t{i}", TensorDType.U8, 64), address + (i * 64)))], cancellationToken: Cancellation);
        }

        Assert.Equal(2, stream.Writes);
    }

    [Fact]
    public void SameContent_GivesSameBytes()
    {
        Assert.Equal(Write(), Write());

        static byte[] Write()
        {
            var stream = new MemoryStream();
            var writer = new SafeTensorsWriter(stream, [new TensorSpec("ж", TensorDType.BF16, 9)], [new("z", "1"), new("a", "2")]);
            writer.Append(Bytes(18, 3));
            writer.Complete();
            return stream.ToArray();
        }
    }

    [Fact]
    public void WrongAmountOfData_IsRefused()
    {
        var writer = new SafeTensorsWriter(new MemoryStream(), [new TensorSpec("t", TensorDType.F32, 2)]);

        Assert.Throws<InvalidOperationException>(writer.Complete);
        Assert.Throws<InvalidOperationException>(() => writer.Append(new byte[9]));
    }

    [Fact]
    public void RepeatedNames_AreRefused()
    {
        var spec = new TensorSpec("t", TensorDType.F32, 2);

        Assert.Throws<ArgumentException>(() => new SafeTensorsWriter(new MemoryStream(), [spec, spec]));
        Assert.Throws<ArgumentException>(() => new SafeTensorsWriter(new MemoryStream(), [spec], [new("a", ""), new("a", "")]));
        Assert.Throws<ArgumentException>(() => new TensorSpec("__metadata__", TensorDType.F32));
    }

    [Fact]
    public unsafe void ReadingAnotherShapeOrType_SaysWhatIsThere()
    {
        string path = _folder.File("t.safetensors");
        using (FileStream stream = File.Create(path))
        {
            new SafeTensorsWriter(stream, [new TensorSpec("t", TensorDType.F32, 2, 3)]).Append(new byte[24]);
        }

        using var reader = SafeTensorsReader.Open(path);
        byte[] memory = new byte[24];
        fixed (byte* start = memory)
        {
            nint address = (nint)start;
            SafeTensorsException shape = Assert.Throws<SafeTensorsException>(() => reader.ReadInto(new TensorSpec("t", TensorDType.F32, 3, 2), address, Cancellation));
            SafeTensorsException type = Assert.Throws<SafeTensorsException>(() => reader.ReadInto(new TensorSpec("t", TensorDType.I32, 2, 3), address, Cancellation));
            Assert.Equal("tensor 't' is F32 [2, 3], expected F32 [3, 2]", shape.Reason);
            Assert.Equal("tensor 't' is F32 [2, 3], expected I32 [2, 3]", type.Reason);
        }

        Assert.Equal("it has no tensor 'u'", Assert.Throws<SafeTensorsException>(() => reader.Find("u")).Reason);
        Assert.Throws<SafeTensorsException>(() => reader.ReadInto("t", new float[5].AsSpan()));
    }

    [Fact]
    public void FileThatBecomesShorter_IsNoticedWhenRead()
    {
        string path = _folder.File("t.safetensors");
        using (FileStream stream = File.Create(path))
        {
            new SafeTensorsWriter(stream, [new TensorSpec("t", TensorDType.U8, 100)]).Append(new byte[100]);
        }

        using var reader = SafeTensorsReader.Open(path);
        using (FileStream stream = File.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            stream.SetLength(stream.Length - 1);
        }

        Assert.Throws<SafeTensorsException>(() => reader.ReadInto("t", new byte[100].AsSpan()));
    }

    private static byte[] Bytes(long length, int seed)
    {
        var random = new RandomStream(seed, "test bytes");
        byte[] bytes = new byte[length];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)random.NextInt32(256);
        }

        return bytes;
    }

    private sealed class CountingStream : MemoryStream
    {
        public int Writes { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Writes++;
            base.Write(buffer);
        }
    }
}
