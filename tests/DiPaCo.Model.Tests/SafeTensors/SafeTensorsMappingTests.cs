using System.Runtime.InteropServices;
using DiPaCo.Model.SafeTensors;
using Xunit;

namespace DiPaCo.Model.Tests.SafeTensors;

public sealed unsafe class SafeTensorsMappingTests : IDisposable
{
    private static readonly float[] Weights = [1.5f, -2, 3, 4, 5, 6.25f];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TensorsAreReadWhereTheyLieAlsoAfterTheFileIsGone()
    {
        string file = WriteFile();
        using SafeTensorsMapping mapping = SafeTensorsMapping.Open(file);
        if (!OperatingSystem.IsWindows())
        {
            File.Delete(file);
        }

        Assert.Equal(Weights, new ReadOnlySpan<float>((void*)mapping.AddressOf(new TensorSpec("w", TensorDType.F32, 2, 3)), 6).ToArray());
        Assert.Equal(new byte[] { 7, 8 }, new ReadOnlySpan<byte>((void*)mapping.AddressOf(new TensorSpec("b", TensorDType.U8, 2)), 2).ToArray());
    }

    [Fact]
    public void WhatTheFileDoesNotHoldHasNoAddress()
    {
        using SafeTensorsMapping mapping = SafeTensorsMapping.Open(WriteFile());
        Assert.Throws<SafeTensorsException>(() => mapping.AddressOf(new TensorSpec("other", TensorDType.F32, 2, 3)));
        Assert.Throws<SafeTensorsException>(() => mapping.AddressOf(new TensorSpec("w", TensorDType.F32, 3, 3)));
        Assert.Throws<SafeTensorsException>(() => mapping.AddressOf(new TensorSpec("w", TensorDType.F16, 2, 3)));
        mapping.Dispose();
        Assert.Throws<ObjectDisposedException>(() => mapping.AddressOf(new TensorSpec("w", TensorDType.F32, 2, 3)));
    }

    [Fact]
    public void AFileThatWasCutIsRefusedBeforeAnythingIsRead()
    {
        string file = WriteFile();
        using (FileStream stream = File.OpenWrite(file))
        {
            stream.SetLength(stream.Length - 1);
        }

        Assert.Throws<SafeTensorsException>(() => SafeTensorsMapping.Open(file));
        Assert.Throws<SafeTensorsException>(() => SafeTensorsMapping.Open(_folder.File("missing")));
    }

    private string WriteFile()
    {
        string file = _folder.File("f.safetensors");
        using FileStream stream = File.Create(file);
        SafeTensorsWriter writer = new(stream, [new TensorSpec("w", TensorDType.F32, 2, 3), new TensorSpec("b", TensorDType.U8, 2)]);
        writer.Append(MemoryMarshal.AsBytes<float>(Weights));
        writer.Append([7, 8]);
        writer.Complete();
        return file;
    }
}
