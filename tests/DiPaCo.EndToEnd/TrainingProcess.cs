using System.Diagnostics;

namespace DiPaCo.EndToEnd;

/// <summary>A process that trains the small run.</summary>
internal sealed class TrainingProcess : IDisposable
{
    private readonly Process _process;

    private TrainingProcess(Process process) => _process = process;

    /// <summary>Starts it: configuration, run folder, and optionally the storage step at whose n-th occurrence it kills itself.</summary>
    public static TrainingProcess Start(params string[] arguments) => StartIn(new ProcessStartInfo("dotnet"), arguments);

    /// <summary>The same by another program, a shell for example, whose last arguments become the host's.</summary>
    public static TrainingProcess StartIn(ProcessStartInfo program, params string[] arguments)
    {
        string host = Path.Combine(AppContext.BaseDirectory, "DiPaCo.RunHost.dll");
        ProcessStartInfo start = new(program.FileName, [.. program.ArgumentList, host, .. arguments]) { RedirectStandardOutput = true };
        foreach ((string name, string? value) in program.Environment)
        {
            start.Environment[name] = value;
        }

        return new TrainingProcess(Process.Start(start)!);
    }

    /// <summary>Waits for the end, however it comes; returns the last line that the process wrote.</summary>
    public async Task<string> EndAsync(CancellationToken cancellationToken)
    {
        string output = await _process.StandardOutput.ReadToEndAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
        return output.TrimEnd().Split('\n')[^1];
    }

    /// <summary>Gives it some time, then kills it (SIGKILL) if it is still there.</summary>
    public async Task<string> KillAfterAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        Task<string> output = _process.StandardOutput.ReadToEndAsync(cancellationToken);
        if (!_process.WaitForExit(time))
        {
            _process.Kill();
            await _process.WaitForExitAsync(cancellationToken);
        }

        return (await output).TrimEnd().Split('\n')[^1];
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
