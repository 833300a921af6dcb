using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Runtime.Storage;

/// <summary>Claims disk blocks before they are written, which makes large writes on ext4 about three times as fast.</summary>
internal static partial class DiskSpace
{
    private const int KeepSize = 1;

    /// <summary>
    /// Claims the blocks of a range of a file. A hint: where it cannot be given or has failed, the write that follows
    /// does the work and reports the failure.
    /// </summary>
    public static void Reserve(SafeFileHandle file, long offset, long length)
    {
        // On 32-bit Linux the function takes other types.
        if (OperatingSystem.IsLinux() && Environment.Is64BitProcess)
        {
            _ = Allocate(file, KeepSize, offset, length);
        }
    }

    [LibraryImport("libc", EntryPoint = "fallocate")]
    private static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);
}
