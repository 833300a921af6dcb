using DiPaCo.Runtime.Tests.Runs;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

[assembly: AssemblyFixture(typeof(ReferenceRun))]

namespace DiPaCo.Runtime.Tests.Runs;

/// <summary>The small run, trained once without interruption; tests read it and change nothing in it.</summary>
public sealed class ReferenceRun : IAsyncLifetime
{
    private const string Name = "reference";

    private readonly TestRuns _runs = new();
    private readonly EventLog _events = new();

    public RunResults Results { get; private set; } = null!;

    internal IReadOnlyList<RunEvent> Events => _events.Events;

    internal RunView View { get; private set; } = null!;

    internal string Folder => _runs.File(Name);

    internal TestRuns Runs => _runs;

    internal string[] Contents => _runs.Contents(Name);

    public async ValueTask InitializeAsync()
    {
        Results = await _runs.TrainAsync(Name, observer: _events);
        View = new RunView(Folder);
    }

    public ValueTask DisposeAsync()
    {
        _runs.Dispose();
        return ValueTask.CompletedTask;
    }
}
