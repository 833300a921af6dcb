using System.Buffers.Binary;
using System.Text;
using CsCheck;
using DiPaCo.Model.SafeTensors;
using Xunit;

namespace DiPaCo.Model.Tests.SafeTensors;

public sealed class SafeTensorsHostileHeaderTests : IDisposable
{
    private const string Valid =
        """{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"y":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("""[]""", "the header must be a JSON object")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}} {}""", "the header is not the expected JSON")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},}""", "the header is not the expected JSON")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}/**/}""", "the header is not the expected JSON")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}""", "the header is not the expected JSON")]
    [InlineData("""{"x":{"dtype":"F32","shape":[[3]],"data_offsets":[0,12]}}""", "the header is not the expected JSON")]
    [InlineData("""{"x":{"dtype":"F31","shape":[3],"data_offsets":[0,12]}}""", "tensor 'x' has the unknown dtype 'F31'")]
    [InlineData("""{"x":{"dtype":32,"shape":[3],"data_offsets":[0,12]}}""", "the dtype of 'x' must be a JSON string")]
    [InlineData("""{"x":{"dtype":"F32","shape":3,"data_offsets":[0,12]}}""", "shape of 'x' must be a JSON array")]
    [InlineData("""{"x":{"dtype":"F32","shape":[-3],"data_offsets":[0,12]}}""", "shape of 'x' must hold non-negative integers below 2^63")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3.0],"data_offsets":[0,12]}}""", "shape of 'x' must hold non-negative integers below 2^63")]
    [InlineData("""{"x":{"dtype":"F32","shape":["3"],"data_offsets":[0,12]}}""", "shape of 'x' must hold non-negative integers below 2^63")]
    [InlineData("""{"x":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,12]}}""", "shape of 'x' must hold non-negative integers below 2^63")]
    [InlineData("""{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,12]}}""", "tensor 'x' has an impossible size")]
    [InlineData("""{"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,12]}}""", "tensor 'x' has an impossible size")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "tensor 'x' has 8 bytes, its type and shape mean 12")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12,12]}}""", "tensor 'x' needs dtype, shape and two data_offsets")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3]}}""", "tensor 'x' needs dtype, shape and two data_offsets")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[12,0]}}""", "tensor 'x' lies at bytes 12 to 0 of 12")]
    [InlineData("""{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "tensor 'x' lies at bytes 0 to 16 of 12")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12],"more":1}}""", "tensor 'x' has an unknown or repeated field 'more'")]
    [InlineData("""{"x":{"dtype":"F32","dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "tensor 'x' has an unknown or repeated field 'dtype'")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"x":{"dtype":"F32","shape":[0],"data_offsets":[12,12]}}""", "tensor 'x' occurs twice")]
    [InlineData("""{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"y":{"dtype":"U8","shape":[4],"data_offsets":[8,12]}}""", "tensor 'y' overlaps the one before it")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"y":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", "tensor 'y' leaves a hole after what is before it")]
    [InlineData("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "the tensors take 4 bytes, the file holds 12")]
    [InlineData("""{"":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "a tensor has an empty name")]
    [InlineData("""{"\ud800":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "the header holds a string that is not valid text")]
    [InlineData("""{"__metadata__":{"a":1}}""", "metadata 'a' must be a JSON string")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", "the metadata key 'a' occurs twice")]
    [InlineData("""{"__metadata__":{},"__metadata__":{}}""", "'__metadata__' occurs twice")]
    [InlineData("", "the header is not the expected JSON")]
    public void ImpossibleHeader_IsRefusedWithItsReason(string header, string reason)
    {
        string path = WriteFile(Encoding.UTF8.GetBytes(header), new byte[12]);

        SafeTensorsException exception = Assert.Throws<SafeTensorsException>(() => SafeTensorsReader.Open(path));

        Assert.StartsWith(reason, exception.Reason, StringComparison.Ordinal);
        Assert.Equal(path, exception.File);
    }

    [Fact]
    public void HeaderThatIsNotUtf8_IsRefused()
    {
        byte[] header = Encoding.Latin1.GetBytes(Valid.Replace("\"b\"", "\"\u00e4\"", StringComparison.Ordinal));

        Assert.Equal("the header is not UTF-8", Assert.Throws<SafeTensorsException>(() => SafeTensorsReader.Open(WriteFile(header, new byte[12]))).Reason);
    }

    [Theory]
    [InlineData(0x7fffffffffffffffUL)]
    [InlineData(0xffffffffffffffffUL)]
    [InlineData(1_000_000UL)]
    public void AnnouncedHeaderLargerThanTheFile_AllocatesNothing(ulong announced)
    {
        string path = WriteFile(Encoding.UTF8.GetBytes(Valid), new byte[12]);
        using (FileStream stream = File.OpenWrite(path))
        {
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(prefix, announced);
            stream.Write(prefix);
        }

        Refuses(path);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Refuses(path);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 10);
    }

    [Fact]
    public void HeaderAboveTheFormatsBound_IsRefusedEvenIfTheFileIsLargeEnough()
    {
        string path = _folder.File("large.safetensors");
        using (FileStream stream = File.Create(path))
        {
            Span<byte> prefix = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64LittleEndian(prefix, 100_000_001);
            stream.Write(prefix);
            stream.SetLength(200_000_000);
        }

        Assert.Equal("it announces a header of 100000001 bytes; 100000000 are possible", Refuses(path).Reason);
    }

    [Fact]
    public void MissingOrEmptyFile_IsRefused()
    {
        string empty = _folder.File("empty.safetensors");
        File.WriteAllBytes(empty, []);

        Assert.Equal("it ends at byte 0, too early", Refuses(empty).Reason);
        Assert.Equal("it does not exist", Refuses(_folder.File("none.safetensors")).Reason);
        Assert.Equal("it does not exist", Refuses(_folder.File("none/none.safetensors")).Reason);
        Refuses(_folder.Path);
    }

    [Fact]
    public void LongAndUnprintableNames_DoNotFloodTheMessage()
    {
        string header = """{"NAME\n":{"dtype":"?","shape":[],"data_offsets":[]}}""".Replace("NAME", new string('n', 100_000), StringComparison.Ordinal);

        Assert.InRange(Refuses(WriteFile(Encoding.UTF8.GetBytes(header), [])).Message.Length, 1, 500);
    }

    [Fact]
    public void RandomBytes_NeverDoAnythingButRefuse() =>
        Gen.Byte.Array[0, 300].Sample(
            bytes =>
            {
                string path = _folder.File($"{Guid.NewGuid():N}.safetensors");
                File.WriteAllBytes(path, bytes);
                OpensOrRefuses(path);
                File.Delete(path);
            },
            iter: 2_000,
            threads: 1);

    [Fact]
    public void MutatedHeaders_OpenConsistentlyOrAreRefused() =>
        Gen.Select(Gen.Int[0, Valid.Length - 1], Gen.Int[0, 5], Gen.OneOf(Gen.Char["{}[]\",:0123456789-.eE\\u /x\0\ud800é"], Gen.Char), Gen.Int[0, 40]).Array[1, 4].Sample(
            mutations =>
            {
                var header = new StringBuilder(Valid);
                foreach ((int at, int kind, char character, int length) in mutations)
                {
                    Mutate(header, Math.Min(at, header.Length - 1), kind, character, length);
                }

                string path = WriteFile(Encoding.UTF8.GetBytes(header.ToString()), new byte[12]);
                OpensOrRefuses(path);
                File.Delete(path);
            },
            iter: 5_000,
            threads: 1);

    private static void Mutate(StringBuilder header, int at, int kind, char character, int length)
    {
        length = Math.Min(length, header.Length - at - 1);
        switch (kind)
        {
            case 0:
                header[at] = character;
                break;
            case 1:
                header.Insert(at, character.ToString(), 1 + length);
                break;
            case 2:
                header.Remove(at, length);
                break;
            case 3:
                header.Insert(at, header.ToString(at, length));
                break;
            case 4:
                header.Insert(at, "[{", length * 10);
                break;
            default:
                header.Length = at + 1;
                break;
        }
    }

    private static void OpensOrRefuses(string path)
    {
        try
        {
            using var reader = SafeTensorsReader.Open(path);
            long length = new FileInfo(path).Length;
            Assert.All(reader.Tensors, tensor => Assert.InRange(tensor.FileOffset + tensor.Spec.ByteLength, 8, length));
        }
        catch (SafeTensorsException exception)
        {
            Assert.NotEmpty(exception.Reason);
        }
    }

    private static SafeTensorsException Refuses(string path) => Assert.Throws<SafeTensorsException>(() => SafeTensorsReader.Open(path));

    private string WriteFile(byte[] header, byte[] data)
    {
        string path = _folder.File($"{Guid.NewGuid():N}.safetensors");
        byte[] prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        File.WriteAllBytes(path, [.. prefix, .. header, .. data]);
        return path;
    }
}
