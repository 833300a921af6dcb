using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Storage;
using Orleans.Concurrency;

namespace DiPaCo.Cluster;

/// <summary>
/// A run: a thin shell around <see cref="RunLifeRules"/> that hosts the recipe beside its turns. Paths and modules are state machines within
/// the recipe and no grains of their own: the one journal with its one writer is what makes every effect happen once. A reminder brings the
/// grain back when its silo dies; the journal's number of the newest writer keeps two hosts from writing.
/// </summary>
/// <param name="memory">What survives.</param>
/// <param name="services">What runs are hosted with.</param>
/// <param name="silo">This silo's name.</param>
[Reentrant]
internal sealed class RunGrain(
    [PersistentState("run")] IPersistentState<RunMemory> memory, RunServices services, ILocalSiloDetails silo) : Grain, IRunGrain, IRemindable, IDisposable
{
    private const string Reminder = "host";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Rhythm = TimeSpan.FromSeconds(2);

    /// <summary>How soon a run whose silo died is looked for.</summary>
    internal static readonly TimeSpan ReminderPeriod = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _turn = new(1);
    private RunHosting? _hosting;
    private long _settled = -1;

    private string Name => this.GetPrimaryKeyString();

    private DateTimeOffset Now => services.Time.GetUtcNow();

    private RunMemory Memory => memory.State;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(TickAsync, new GrainTimerCreationOptions(TimeSpan.Zero, Rhythm) { Interleave = true });
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_hosting is { } hosting)
        {
            await hosting.DisposeAsync();
        }
    }

    public void Dispose() => _turn.Dispose();

    public Task<RunLine> SubmitAsync(RunSubmission submission) => ChangeAsync(async now =>
        {
            RunConfig config = new RunDescription(submission.Configuration, submission.ConfigurationYaml).Read();
            if (config.Name != Name)
            {
                throw new DiPaCoException($"The configuration names the run '{config.Name}', the request '{Name}'.");
            }

            JournalEntry[] entries = [.. RunTransfer.EntriesOf(submission.Journal)];
            byte[][] lines = [.. ForgottenTask.Lines(entries, new HashSet<string>(), new HashSet<string>())];
            RunMemory next = RunLifeRules.Submit(Memory, Name, submission.Configuration, submission.ConfigurationYaml, submission.Strict, now);
            await services.Runs.BeginAsync(Name, lines, [.. Runtime.Recipe.Retention.Expected(entries)], CancellationToken.None);
            return next;
        });

    public Task<RunLine> PauseAsync() => ChangeAsync(now => Task.FromResult(RunLifeRules.Pause(Memory, Name, now)));

    public Task<RunLine> ResumeAsync() => ChangeAsync(now => Task.FromResult(RunLifeRules.Resume(Memory, Name, now)));

    public async Task<RunLine> DeleteAsync()
    {
        RunLine line = await ChangeAsync(async now =>
        {
            RunMemory next = RunLifeRules.Delete(Memory, Name, now);
            await services.Runs.DeleteAsync(Name, CancellationToken.None);
            return next;
        });
        if (_hosting is { } hosting)
        {
            _hosting = null;
            await hosting.DisposeAsync();
        }

        GrainFactory.GetGrain<ICollectorGrain>(ICollectorGrain.Key).CollectAsync().Ignore();
        return line;
    }

    public Task<RunLine> StatusAsync() => Task.FromResult(Line());

    public Task<(string Json, string Yaml)> ConfigurationAsync() => Task.FromResult((Memory.Configuration, Memory.ConfigurationYaml));

    public async Task<RunNews> FollowAsync(long session, long from)
    {
        if (_hosting is not { } hosting)
        {
            return new RunNews(Line(), session, from, []);
        }

        (long end, IReadOnlyList<string> events) = await hosting.EventsAsync(session == hosting.Session ? from : 0, Patience);
        return new RunNews(Line(), hosting.Session, end, [.. events]);
    }

    public Task EndedAsync(long beginning, string failure, string modelDigest) => ChangeAsync(now => Task.FromResult(RunLifeRules.Ended(Memory, beginning, failure, modelDigest, now)));

    /// <summary>Its silo died, and this one has the grain now. That it is here is all that is needed.</summary>
    public Task ReceiveReminder(string reminderName, TickStatus status) => TickAsync(CancellationToken.None);

    private RunLine Line() => new(
        Name, Memory.Life, Memory.Since,
        Memory.Life switch
        {
            RunLife.Failed => Memory.Failure,
            RunLife.Finished => $"model {Memory.ModelDigest}",
            _ => _hosting?.Doing ?? "",
        },
        _hosting is null ? "" : silo.Name);

    /// <summary>What is written counts; what follows from it is done after, and again by the next tick where it fails.</summary>
    private async Task<RunLine> ChangeAsync(Func<DateTimeOffset, Task<RunMemory>> change)
    {
        await _turn.WaitAsync();
        try
        {
            RunMemory next = await change(Now);
            if (next != Memory)
            {
                RunMemory before = Memory;
                if (next.Life is RunLife.Running or RunLife.Paused)
                {
                    // Before the state: a run that counts as running must be found by somebody.
                    await this.RegisterOrUpdateReminder(Reminder, ReminderPeriod, ReminderPeriod);
                }

                memory.State = next;
                try
                {
                    await memory.WriteStateAsync();
                }
                catch
                {
                    memory.State = before;
                    DeactivateOnIdle();
                    throw;
                }
            }
        }
        catch (DiPaCoException exception)
        {
            // As data: an exception's type need not survive the way to another silo.
            return Line() with { Refusal = exception.Message };
        }
        finally
        {
            _turn.Release();
        }

        await TickAsync(CancellationToken.None);
        return Line();
    }

    /// <summary>Sees to it that what is the case is what is wanted.</summary>
    private async Task TickAsync(CancellationToken cancellationToken)
    {
        if (Memory.Life == RunLife.Running && (_hosting is null || _hosting.IsEnded))
        {
            _hosting = new RunHosting(Name, Memory, services, GrainFactory);
        }

        if (Memory.Life == RunLife.None || Memory.Number == _settled)
        {
            return;
        }

        long number = Memory.Number;
        RunDemand demand = Memory.Life switch
        {
            RunLife.Running => RunDemand.Wanted,
            RunLife.Paused => RunDemand.Paused,
            _ => RunDemand.Ended,
        };
        try
        {
            await GrainFactory.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).StandAsync(Name, number, demand);
            if (demand != RunDemand.Ended)
            {
                DelayDeactivation(TimeSpan.FromMinutes(2));
                return;
            }

            if (await this.GetReminder(Reminder, cancellationToken) is { } reminder)
            {
                await this.UnregisterReminder(reminder, cancellationToken);
            }

            _settled = number;
        }
        catch (Exception exception) when (GrainFailures.IsPassing(exception) || exception is ReminderException)
        {
            // Said again at the next tick.
        }
    }
}
