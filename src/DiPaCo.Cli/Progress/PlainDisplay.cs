using DiPaCo.Cli.Output;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Progress;

/// <summary>One line an event for pipes and logs: <c>[0:00:41] phases: 61% phase=5/8 path=2 step=1240 loss=4.512 …</c>.</summary>
internal sealed class PlainDisplay(TextWriter writer, TimeProvider clock) : IRunDisplay, IRunObserver
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly RunProgress _progress = new(clock);
    private TimeSpan _next = Pause;

    /// <inheritdoc/>
    public async Task<T> ShowAsync<T>(Func<IRunObserver, Task<T>> work, CancellationToken cancellation)
    {
        using CancellationTokenRegistration stopping = cancellation.Register(() => Write("stopping after the work at hand"));
        return await Task.Run(() => work(this), CancellationToken.None);
    }

    /// <inheritdoc/>
    public void Observe(RunEvent runEvent)
    {
        lock (_lock)
        {
            _progress.Apply(runEvent);
            if (LineOf(runEvent) is { } line)
            {
                Write(line);
            }
            else if (_progress.Stage is not null && _progress.Elapsed >= _next)
            {
                Write(PlainLine.Of(_progress));
            }
        }
    }

    private static string? LineOf(RunEvent runEvent) => runEvent switch
    {
        MachineFound found => $"machine: {MachineLine.Of(found.Machine)}",
        StageStarted { Units: > 0 } started => $"{PlainLine.Name(started.Stage)}: {Units.Count(started.Units)} {started.Unit}",
        StageStarted started => $"{PlainLine.Name(started.Stage)}: started",
        StageFinished finished => $"{PlainLine.Name(finished.Stage)}: done in {Units.Duration(finished.Elapsed)}, {finished.Summary}",
        PhaseFinished phase => PlainLine.Of(phase),
        RunNote { IsWarning: true } note => $"warning: {note.Text}",
        RunNote note => note.Text,
        _ => null,
    };

    private void Write(string line)
    {
        lock (_lock)
        {
            _next = _progress.Elapsed + Pause;
            writer.WriteLine($"[{Units.Clock(_progress.Elapsed)}] {SafeText.OneLine(line, 1000)}");
            writer.Flush();
        }
    }
}
