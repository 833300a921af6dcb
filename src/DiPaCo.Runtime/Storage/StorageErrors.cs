namespace DiPaCo.Runtime.Storage;

/// <summary>Turns what the operating system reports into a message that says what to do.</summary>
internal static class StorageErrors
{
    // errno values (.NET passes them through as HResult) and the Windows codes.
    private const int NoSpaceUnix = 28;
    private const int QuotaLinux = 122;
    private const int QuotaMac = 69;
    private const int ReadOnlyUnix = 30;
    private const int WouldBlockLinux = 11;
    private const int WouldBlockMac = 35;
    private const int DiskFullWindows = unchecked((int)0x80070070);
    private const int HandleDiskFullWindows = unchecked((int)0x80070027);
    private const int WriteProtectWindows = unchecked((int)0x80070013);
    private const int SharingViolationWindows = unchecked((int)0x80070020);

    /// <summary>
    /// Whether the exception comes from the file system. A file size limit surfaces as an argument that is out of range.
    /// </summary>
    public static bool IsStorage(Exception exception) =>
        exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException { ParamName: "value" };

    /// <summary>Whether another open handle excludes us.</summary>
    public static bool IsLocked(IOException exception) =>
        exception.HResult is SharingViolationWindows
        || (OperatingSystem.IsMacOS() && exception.HResult == WouldBlockMac)
        || (!OperatingSystem.IsWindows() && exception.HResult == WouldBlockLinux);

    /// <summary>The exception to throw for a failed operation, a verb such as <c>write</c>.</summary>
    public static StorageException Explain(Exception exception, string verb, string path)
    {
        string reason = exception switch
        {
            ArgumentOutOfRangeException => "the file would exceed the largest size that is allowed here. Raise the limit (ulimit -f) or use another folder",
            UnauthorizedAccessException => "access is denied. Give this user the right to write there, or use another folder",
            FileNotFoundException or DirectoryNotFoundException => "it does not exist. Check the path",
            { HResult: NoSpaceUnix or DiskFullWindows or HandleDiskFullWindows } => "the disk is full. Free some space and repeat the command: it continues where it stopped",
            { HResult: QuotaLinux } when OperatingSystem.IsLinux() => OverQuota,
            { HResult: QuotaMac } when OperatingSystem.IsMacOS() => OverQuota,
            { HResult: ReadOnlyUnix or WriteProtectWindows } => "the file system is read-only. Use a folder that can be written to",
            _ => $"{exception.Message.TrimEnd('.')}. Check the disk and the path",
        };
        return new StorageException(path, $"Cannot {verb} '{path}': {reason}.", exception);
    }

    private const string OverQuota = "the disk quota is used up. Free some space and repeat the command: it continues where it stopped";
}
