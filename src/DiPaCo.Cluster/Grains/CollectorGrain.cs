using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>The shell around <see cref="BlobCollection"/>. Its reminder outlives silos.</summary>
/// <param name="services">Runs and store.</param>
internal sealed class CollectorGrain(RunServices services) : Grain, ICollectorGrain, IRemindable
{
    private const string Reminder = "collect";

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    private Task<GarbageReport>? _running;

    public Task StartAsync() => this.RegisterOrUpdateReminder(Reminder, Period, Period);

    public async Task<long> CollectAsync() => (await RunAsync()).DeletedBlobs;

    public Task ReceiveReminder(string reminderName, TickStatus status) => RunAsync();

    /// <summary>Reading and deleting is not the grain's work; one collection at a time is enough.</summary>
    private Task<GarbageReport> RunAsync() => _running is { IsCompleted: false } running ? running
        : _running = Task.Run(() => new BlobCollection(services).RunAsync(CancellationToken.None));
}
