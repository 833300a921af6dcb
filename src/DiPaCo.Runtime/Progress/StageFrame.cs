using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>Tells an observer of stages that follow each other.</summary>
/// <param name="observer">Watches.</param>
/// <param name="time">For durations.</param>
internal sealed class StageFrame(IRunObserver observer, TimeProvider time)
{
    private Stage _stage;
    private long _begun;

    /// <summary>A stage begins; <paramref name="units"/> is 0 when unknown.</summary>
    public void Begin(Stage stage, long units, string unit)
    {
        _stage = stage;
        _begun = time.GetTimestamp();
        observer.Observe(new StageStarted(stage, units, unit));
    }

    /// <summary>So many of its units are done.</summary>
    public void Advance(long done) => observer.Observe(new StageAdvanced(_stage, done, Reused: false));

    /// <summary>Progress of a task that begins where <paramref name="done"/> units are done; told at once, on the task's thread.</summary>
    public IProgress<TaskStep> From(long done) => new Steps(this, done);

    /// <summary>A line for people.</summary>
    public void Note(string text) => observer.Observe(new RunNote(text, IsWarning: false));

    /// <summary>A line for people that they should not miss.</summary>
    public void Warn(string text) => observer.Observe(new RunNote(text, IsWarning: true));

    /// <summary>The stage ended.</summary>
    public void End(string summary) => observer.Observe(new StageFinished(_stage, time.GetElapsedTime(_begun), summary));

    private sealed class Steps(StageFrame frame, long before) : IProgress<TaskStep>
    {
        public void Report(TaskStep value) => frame.Advance(before + value.Done);
    }
}
