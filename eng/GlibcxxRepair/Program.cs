// Copies TorchSharp's native library and repairs the copy for systems whose libstdc++ is older than GCC 13.
//
//   GlibcxxRepair --if-needed|--always SOURCE DESTINATION
//
// The original, in the package cache, is never touched. Errors have the form that MSBuild shows as build errors.

using System.Runtime.InteropServices;
using DiPaCo.Build;

if (args is not [("--if-needed" or "--always") and var mode, var source, var destination])
{
    Console.Error.WriteLine("GlibcxxRepair : error DPC0001: usage: GlibcxxRepair --if-needed|--always SOURCE DESTINATION");
    return 2;
}

try
{
    byte[] file = File.ReadAllBytes(source);
    RepairOutcome outcome = mode == "--always" || HostLacksVersion() ? LibStdCxxRepair.Apply(file) : RepairOutcome.NotNeeded;

    // Renaming replaces the file under a process that still has the old one mapped without disturbing it.
    string folder = Path.GetDirectoryName(Path.GetFullPath(destination))!;
    Directory.CreateDirectory(folder);
    string temporary = Path.Combine(folder, $".{Path.GetFileName(destination)}.{Environment.ProcessId}");
    File.WriteAllBytes(temporary, file);
    File.Move(temporary, destination, overwrite: true);
    Console.WriteLine($"{destination}: {outcome}");
    return 0;
}
catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"GlibcxxRepair : error DPC0002: cannot prepare {source}: {e.Message}");
    return 1;
}

// Asks the dynamic loader, which is who will decide later. Without a libstdc++ the repair does no harm.
static bool HostLacksVersion() =>
    OperatingSystem.IsLinux()
    && !(NativeLibrary.TryLoad(LibStdCxxRepair.Library, out nint library)
        && NativeLibrary.TryGetExport(library, LibStdCxxRepair.InitSymbol, out _));
