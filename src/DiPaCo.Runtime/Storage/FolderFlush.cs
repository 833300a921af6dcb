using System.Runtime.InteropServices;

namespace DiPaCo.Runtime.Storage;

/// <summary>Flushes a folder's entries to the disk, which .NET has no call for. Windows needs and has none.</summary>
internal static partial class FolderFlush
{
    private const int ReadOnly = 0;

    /// <summary>Makes the names in a folder durable. A file system that cannot flush folders is left alone.</summary>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Open(folder, ReadOnly);
        if (descriptor < 0)
        {
            return;
        }

        try
        {
            _ = Sync(descriptor);
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
