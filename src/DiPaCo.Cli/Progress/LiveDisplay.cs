using System.Threading.Channels;
using DiPaCo.Runtime;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace DiPaCo.Cli.Progress;

/// <summary>
/// For people at a terminal: finished stages and phases stay as lines, the stage at work is redrawn below them.
/// Only the loop below writes to the console, so that nothing tears.
/// </summary>
internal sealed class LiveDisplay(IAnsiConsole console, TimeProvider clock) : IRunDisplay, IRunObserver
{
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(120);

    private readonly Lock _lock = new();
    private readonly RunProgress _progress = new(clock);
    private readonly LiveLines _lines = new();
    private readonly Channel<IRenderable> _finished = Channel.CreateUnbounded<IRenderable>();

    /// <inheritdoc/>
    public async Task<T> ShowAsync<T>(Func<IRunObserver, Task<T>> work, CancellationToken cancellation)
    {
        Task<T> working = Task.Run(() => work(this), CancellationToken.None);
        await console.Live(new Text("")).AutoClear(true).StartAsync(async live =>
        {
            for (int frame = 0; !working.IsCompleted; frame++)
            {
                WriteFinished();
                live.UpdateTarget(Draw(frame, cancellation.IsCancellationRequested));
                await Task.WhenAny(working, Task.Delay(Frame, clock, CancellationToken.None));
            }
        });
        WriteFinished();
        return await working;
    }

    /// <inheritdoc/>
    public void Observe(RunEvent runEvent)
    {
        lock (_lock)
        {
            _progress.Apply(runEvent);
            if (_lines.Of(runEvent) is { } line)
            {
                _finished.Writer.TryWrite(line);
            }
        }
    }

    private void WriteFinished()
    {
        while (_finished.Reader.TryRead(out IRenderable? line))
        {
            console.Write(line);
        }
    }

    private IRenderable Draw(int frame, bool stopping)
    {
        lock (_lock)
        {
            return LiveFrame.Draw(_progress, frame, stopping, console.Profile.Width);
        }
    }
}
