using System.Diagnostics;
using Xunit;

namespace DiPaCo.Cli.Tests.Support;

/// <summary>What a program wrote and returned.</summary>
internal sealed record ProgramResult(int ExitCode, string Standard, string Error);

/// <summary>Other programs, run to their end.</summary>
internal static class Programs
{
    /// <summary>The first of these programs that is installed; null when none is.</summary>
    public static string? Find(params string[] names) => (
        from name in names
        from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        let path = Path.Combine(folder, name)
        where File.Exists(path)
        select path).FirstOrDefault();

    /// <summary>Starts the <c>dipaco</c> that was built beside the tests.</summary>
    public static Process StartDipaco(string workingFolder, params string[] arguments) => StartDipaco(workingFolder, hasInput: false, arguments);

    /// <summary>Starts that <c>dipaco</c> with a standard input that the test writes.</summary>
    public static Process StartDipacoWithInput(string workingFolder, params string[] arguments) => StartDipaco(workingFolder, hasInput: true, arguments);

    /// <summary>Runs that <c>dipaco</c>.</summary>
    public static async Task<ProgramResult> DipacoAsync(string workingFolder, params string[] arguments)
    {
        using Process process = StartDipaco(workingFolder, arguments);
        return await EndOfAsync(process);
    }

    /// <summary>Runs that <c>dipaco</c> with a text as its standard input.</summary>
    public static async Task<ProgramResult> DipacoWithInputAsync(string workingFolder, string input, params string[] arguments)
    {
        using Process process = StartDipacoWithInput(workingFolder, arguments);
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        return await EndOfAsync(process);
    }

    /// <summary>
    /// Asks a program to stop, as a service manager does. Ctrl-C's own signal is handled alike, but a test runner in the background has it ignored, and its
    /// children inherit that.
    /// </summary>
    public static async Task TerminateAsync(Process process) => Assert.Equal(0, (await RunAsync("kill", ".", "-TERM", $"{process.Id}")).ExitCode);

    /// <summary>Runs a program.</summary>
    public static async Task<ProgramResult> RunAsync(string program, string workingFolder, params string[] arguments)
    {
        using Process process = Start(program, workingFolder, arguments);
        return await EndOfAsync(process);
    }

    /// <summary>Waits for the end; a cancelled test kills the program.</summary>
    public static async Task<ProgramResult> EndOfAsync(Process process)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        try
        {
            Task<string> standard = process.StandardOutput.ReadToEndAsync(cancellation);
            Task<string> error = process.StandardError.ReadToEndAsync(cancellation);
            await process.WaitForExitAsync(cancellation);
            return new ProgramResult(process.ExitCode, await standard, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }

    private static Process StartDipaco(string workingFolder, bool hasInput, string[] arguments) =>
        Start(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet",
            workingFolder, [Path.Combine(AppContext.BaseDirectory, "dipaco.dll"), .. arguments], hasInput);

    private static Process Start(string program, string workingFolder, string[] arguments, bool hasInput = false) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = hasInput,
        WorkingDirectory = workingFolder,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
