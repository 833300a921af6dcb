using System.Diagnostics;
using System.Globalization;

namespace DiPaCo.Benchmarks;

/// <summary>The program as a process of its own; of every line it is known when it came. Killed when it is disposed.</summary>
internal sealed class DipacoProcess : IDisposable
{
    /// <summary>What to say where <see cref="Program"/> is not there.</summary>
    public const string IsMissing = "The program is missing: dotnet build -c Release src/DiPaCo.Cli";

    // What the processes say, to see why a number is as it is.
    private static readonly bool s_echoes = Environment.GetEnvironmentVariable("ECHO") is not null;

    private readonly Process _process;
    private readonly List<(double Time, string Line)> _lines = [];
    private readonly Task _reading;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private DipacoProcess(Process process)
    {
        _process = process;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput), ReadAsync(process.StandardError));
    }

    /// <summary>Where the program is when it is built.</summary>
    public static string Program { get; } = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "DiPaCo.Cli", "release", "dipaco.dll"));

    /// <summary>Starts <c>dipaco</c>.</summary>
    public static DipacoProcess Start(params string[] arguments)
    {
        if (!File.Exists(Program))
        {
            throw new InvalidOperationException(IsMissing);
        }

        ProcessStartInfo start = new("dotnet", [Program, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        return new DipacoProcess(Process.Start(start)!);
    }

    /// <summary>What it wrote, for a failure.</summary>
    public string Output
    {
        get
        {
            lock (_lines)
            {
                return string.Join('\n', _lines.Select(line => line.Line));
            }
        }
    }

    /// <summary>Waits for a line with some text, of those from <paramref name="from"/> on.</summary>
    /// <returns>When it came, the line, and the number of the next one.</returns>
    public async Task<(double Time, string Line, int Next)> LineAsync(string text, int from = 0)
    {
        while (true)
        {
            Task changed = Volatile.Read(ref _changed).Task;
            bool ended = _reading.IsCompleted;
            lock (_lines)
            {
                for (int i = from; i < _lines.Count; i++)
                {
                    if (_lines[i].Line.Contains(text, StringComparison.Ordinal))
                    {
                        return (_lines[i].Time, _lines[i].Line, i + 1);
                    }
                }
            }

            if (ended)
            {
                throw new InvalidOperationException($"The process ended without '{text}':\n{Output}");
            }

            await Task.WhenAny(changed, _reading);
        }
    }

    /// <summary>Waits for its end.</summary>
    public async Task EndAsync()
    {
        await _reading;
        await _process.WaitForExitAsync();
        if (_process.ExitCode != 0)
        {
            throw new InvalidOperationException($"The process ended with {_process.ExitCode}:\n{Output}");
        }
    }

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Asks it to leave.</summary>
    public void Terminate()
    {
        using Process kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Ends it at once.</summary>
    public void Kill() => _process.Kill();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_lines)
            {
                _lines.Add((Clocks.Wall(), line));
            }

            if (s_echoes)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Clocks.Wall():F2} {_process.Id}: {line}"));
            }

            Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }
}
