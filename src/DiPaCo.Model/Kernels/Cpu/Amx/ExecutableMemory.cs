using System.Runtime.InteropServices;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>Memory for machine code that is made at run time. It is never writable and executable at once, and stays until the process ends.</summary>
internal static unsafe partial class ExecutableMemory
{
    private const int Read = 1;
    private const int Write = 2;
    private const int Execute = 4;
    private const int PrivateAnonymous = 0x22;

    /// <summary>Where the code lies; null: the system does not allow it, or is not Linux.</summary>
    public static void* TryPlace(ReadOnlySpan<byte> code)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        nint place = Map(0, (nuint)code.Length, Read | Write, PrivateAnonymous, -1, 0);
        if (place == -1)
        {
            return null;
        }

        code.CopyTo(new Span<byte>((void*)place, code.Length));
        if (Protect(place, (nuint)code.Length, Read | Execute) == 0)
        {
            return (void*)place;
        }

        _ = Unmap(place, (nuint)code.Length);
        return null;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
