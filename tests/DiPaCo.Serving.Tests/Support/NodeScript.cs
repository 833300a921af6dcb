using System.Diagnostics;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Serving.Tests.Support;

/// <summary>A script of Node.js in a folder of tests/, with the packages that are installed there.</summary>
internal static class NodeScript
{
    /// <summary>What it writes; the test skips where a package of its is not installed, and fails where the script does.</summary>
    /// <param name="folder">Folder below tests/.</param>
    /// <param name="package">Package that it needs.</param>
    /// <param name="skip">Why to skip.</param>
    /// <param name="script">The script's file.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What it reads.</param>
    public static async Task<string> RunOrSkipAsync(string folder, string package, string skip, string script, string[] arguments, string input = "")
    {
        string home = Path.Combine(RepositoryRoot.Folder, "tests", folder);
        Assert.SkipUnless(Directory.Exists(Path.Combine(home, "node_modules", package)), skip);
        using Process process = Process.Start(new ProcessStartInfo("node", [Path.Combine(home, script), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{await output}\n{await errors}");
        return await output;
    }
}
