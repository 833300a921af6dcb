using System.Diagnostics;
using DiPaCo.Model.Native;
using Xunit;

namespace DiPaCo.Model.Tests.Native;

/// <summary>
/// Loading happens once per process, so its failures are seen in processes of their own: this assembly again, which loads
/// libtorch before it does anything else.
/// </summary>
public sealed class TorchLibraryProcessTests
{
    [Fact]
    public async Task EmptyFolderInTheVariable_EndsTheProcessWithTheReason()
    {
        string empty = Directory.CreateTempSubdirectory("dipaco-empty-").FullName;

        (int exitCode, string output) = await RunWith(empty);

        Assert.NotEqual(0, exitCode);
        Assert.Contains($"DIPACO_LIBTORCH is '{empty}', but there is no {NativeFiles.Core}", output, StringComparison.Ordinal);
        Directory.Delete(empty);
    }

    [Fact]
    public async Task DamagedLibTorchInTheVariable_EndsTheProcessWithTheFileAndTheReason()
    {
        string folder = Directory.CreateTempSubdirectory("dipaco-damaged-").FullName;
        string file = Path.Combine(folder, NativeFiles.Core);
        await File.WriteAllTextAsync(file, "no library", TestContext.Current.CancellationToken);

        (int exitCode, string output) = await RunWith(folder);

        Assert.NotEqual(0, exitCode);
        Assert.Contains($"{file} cannot be loaded: ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("no reason given", output, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task OtherFolderInTheVariable_IsUsed()
    {
        (int exitCode, string output) = await RunWith(TorchLibrary.Initialize().LibTorchFolder);

        Assert.True(exitCode == 0, output);
    }

    private static async Task<(int ExitCode, string Output)> RunWith(string libTorch)
    {
        string assembly = typeof(TorchLibraryProcessTests).Assembly.Location;
        using Process process = Process.Start(new ProcessStartInfo("dotnet", ["exec", assembly, "-list", "classes"])
        {
            Environment = { ["DIPACO_LIBTORCH"] = libTorch },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancelled);
        Task<string> error = process.StandardError.ReadToEndAsync(cancelled);
        await process.WaitForExitAsync(cancelled);
        return (process.ExitCode, await output + await error);
    }
}
