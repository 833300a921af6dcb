using System.Runtime.InteropServices;

namespace DiPaCo.Serving.Inference;

/// <summary>Memory outside the garbage collector's, zeroed and aligned to 64 bytes. Whoever holds it disposes of it.</summary>
internal sealed unsafe class NativeBlock : IDisposable
{
    /// <summary>Allocates.</summary>
    /// <param name="bytes">Size, at least 1 byte is taken.</param>
    public NativeBlock(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Bytes = bytes;
        Pointer = NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 64);
        NativeMemory.Clear(Pointer, (nuint)bytes);
    }

    /// <summary>Size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>First byte; null after <see cref="Dispose"/>.</summary>
    public void* Pointer { get; private set; }

    /// <summary>The block as fp32.</summary>
    public float* Floats => (float*)Pointer;

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Pointer);
        Pointer = null;
    }
}
