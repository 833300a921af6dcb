using System.Runtime.InteropServices;

namespace DiPaCo.Serving.Inference;

/// <summary>
/// Memory outside the garbage collector's, zeroed and aligned to 64 bytes. Whoever holds it disposes of it. Large blocks ask Linux for large pages: weights are
/// read from one end to the other for every token, and with small pages much of that time goes into finding them.
/// </summary>
internal sealed unsafe partial class NativeBlock : IDisposable
{
    private const nuint LargePage = 2 << 20;
    private const int AdviseLargePages = 14;

    /// <summary>Allocates.</summary>
    /// <param name="bytes">Size, at least 1 byte is taken.</param>
    public NativeBlock(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        Bytes = bytes;
        bool isLarge = OperatingSystem.IsLinux() && (nuint)bytes >= 2 * LargePage;
        Pointer = NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), isLarge ? LargePage : 64);
        if (isLarge)
        {
            // A wish only: what comes of it is the same memory.
            _ = Advise(Pointer, (nuint)bytes, AdviseLargePages);
        }

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

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);
}
