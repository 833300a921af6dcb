using System.Diagnostics;

namespace DiPaCo.Runtime.Tests.Storage;

/// <summary>The process that the tests kill.</summary>
internal sealed class HostProcess : IDisposable
{
    private readonly Process _process;

    private HostProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public static HostProcess Start(params string[] arguments) =>
        Start(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet", [HostPath, .. arguments]);

    /// <summary>Starts the host under a shell that has first carried out <paramref name="preparation"/>.</summary>
    public static HostProcess StartInShell(string preparation, params string[] arguments) =>
        Start("bash", ["-c", $"{preparation}; exec dotnet \"$@\"", "bash", HostPath, .. arguments]);

    public async Task<string?> ReadLineAsync(CancellationToken cancellationToken) => await _process.StandardOutput.ReadLineAsync(cancellationToken);

    /// <summary>Waits for the end; returns the exit code and what had not been read of the output.</summary>
    public async Task<(int ExitCode, string Output)> EndAsync(CancellationToken cancellationToken)
    {
        string output = await _process.StandardOutput.ReadToEndAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
        return (_process.ExitCode, output);
    }

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static string HostPath => Path.Combine(AppContext.BaseDirectory, "DiPaCo.StorageHost.dll");

    private static HostProcess Start(string program, string[] arguments) => new(Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
    })!);
}
