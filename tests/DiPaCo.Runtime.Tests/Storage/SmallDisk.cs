using System.Diagnostics;
using Xunit;

namespace DiPaCo.Runtime.Tests.Storage;

/// <summary>A file system of one megabyte.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string path) => Path = path;

    public string Path { get; }

    public static SmallDisk MountOrSkip(string path)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Needs Linux and root, to mount a small disk.");
        Directory.CreateDirectory(path);
        Assert.SkipUnless(Succeeds("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path), "This machine does not allow to mount a small disk.");
        return new SmallDisk(path);
    }

    public void MakeReadOnly() => Assert.True(Succeeds("mount", "-o", "remount,ro", Path));

    public void Dispose() => Succeeds("umount", "-l", Path);

    private static bool Succeeds(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
