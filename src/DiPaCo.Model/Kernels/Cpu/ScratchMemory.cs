using System.Runtime.InteropServices;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>Memory for the duration of one operation, kept for the next: it grows when more is asked for than ever before. Aligned to a line of the cache.</summary>
internal sealed unsafe class ScratchMemory : IDisposable
{
    private const nuint Alignment = 64;

    private void* _start;
    private nuint _bytes;

    /// <summary>So many bytes, until more are asked for. What they contain is undefined.</summary>
    public void* Take(nuint bytes)
    {
        if (bytes > _bytes)
        {
            Dispose();
            _start = NativeMemory.AlignedAlloc(bytes, Alignment);
            _bytes = bytes;
        }

        return _start;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
        _bytes = 0;
    }
}
