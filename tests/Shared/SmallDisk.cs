using System.Diagnostics;
using Xunit;

namespace DiPaCo.Tests;

/// <summary>A file system with a size, compiled into the test assemblies that fill disks.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string path) => Path = path;

    public string Path { get; }

    /// <summary>Mounts it, or skips the test where that is not possible.</summary>
    /// <param name="path">Where it appears.</param>
    /// <param name="size">As the system writes sizes, for example <c>1m</c>.</param>
    public static SmallDisk MountOrSkip(string path, string size = "1m")
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Needs Linux and root, to mount a small disk.");
        Directory.CreateDirectory(path);
        Assert.SkipUnless(Succeeds("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", path), "This machine does not allow to mount a small disk.");
        return new SmallDisk(path);
    }

    /// <summary>Mounts it; null where that is not possible.</summary>
    public static SmallDisk? TryMount(string path, string size)
    {
        Directory.CreateDirectory(path);
        return OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && Succeeds("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", path) ? new SmallDisk(path) : null;
    }

    public void MakeReadOnly() => Assert.True(Succeeds("mount", "-o", "remount,ro", Path));

    public void MakeWritable(string size) => Assert.True(Succeeds("mount", "-o", $"remount,rw,size={size}", Path));

    public void Dispose() => Succeeds("umount", "-l", Path);

    private static bool Succeeds(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
