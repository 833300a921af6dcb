using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using DiPaCo.Cluster;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Benchmarks;

/// <summary>The real dispatcher in a real silo, with ten thousand workers that compute nothing: how long they wait for an answer.</summary>
internal static class DispatcherTable
{
    private static readonly TimeSpan TaskTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Warming = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Measuring = TimeSpan.FromSeconds(30);

    public static async Task PrintAsync()
    {
        // As many tasks as keep everybody busy; then so few that a third of the workers wait all the time.
        foreach ((int workers, int tasks) in new[] { (10_000, 12_000), (10_000, 6_500) })
        {
            await MeasureAsync(workers, tasks);
        }
    }

    private static async Task MeasureAsync(int workers, int tasks)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("dipaco-benchmark-");
        try
        {
            SiloOptions options = new() { StateFolder = Path.Combine(folder.FullName, "silo"), Listen = new IPEndPoint(IPAddress.Loopback, 0), Lease = Lease };
            await using SiloHost host = await SiloHost.StartAsync(options, new FolderBlobStore(Path.Combine(folder.FullName, "blobs")), TimeProvider.System, CancellationToken.None);
            using Fleet fleet = new(host);
            await fleet.RunAsync(workers, tasks);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private sealed class Fleet(SiloHost host) : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentDictionary<string, double> _lost = [];
        private readonly ConcurrentDictionary<string, double> _ordered = [];
        private readonly ConcurrentBag<double> _recoveries = [];
        private readonly ConcurrentBag<double> _starts = [];
        private readonly ConcurrentBag<double> _leases = [];
        private readonly ConcurrentBag<double> _heartbeats = [];
        private readonly ConcurrentBag<double> _deliveries = [];
        private volatile bool _measures;
        private long _next;
        private int _toKill;

        public void Dispose() => _stop.Dispose();

        public async Task RunAsync(int workers, int tasks)
        {
            List<Task> all = [];
            for (int i = 0; i < tasks; i++)
            {
                all.Add(Task.Run(OrderAsync));
            }

            for (int i = 0; i < workers; i++)
            {
                int number = i;
                all.Add(Task.Run(() => WorkAsync(number)));
            }

            await Task.Delay(Warming, TimeProvider.System);
            TimeSpan paused = GC.GetTotalPauseDuration();
            int[] collections = [.. Enumerable.Range(0, 3).Select(GC.CollectionCount)];
            _measures = true;
            await Task.Delay(Measuring / 2, TimeProvider.System);
            _toKill = 100;
            await Task.Delay(Measuring / 2, TimeProvider.System);
            _measures = false;
            double seconds = Measuring.TotalSeconds;
            Print($"dispatcher, {workers} workers, {tasks} tasks at a time: {_leases.Count / seconds:F0} leases/s, {_heartbeats.Count / seconds:F0} heartbeats/s, {_deliveries.Count / seconds:F0} results/s");
            Print($"  {(tasks > workers ? $"a worker's question, while tasks wait: {Of(_leases)}" : $"from a task's order until a worker has it, while workers wait: {Of(_starts)}")}");
            int[] since = [.. collections.Select((before, generation) => GC.CollectionCount(generation) - before)];
            Print($"  garbage collections of generation 0, 1, 2: {since[0] - since[1]}, {since[1] - since[2]}, {since[2]}; everything paused for {(GC.GetTotalPauseDuration() - paused).TotalSeconds:F2} s in all");
            Print($"  heartbeat: {Of(_heartbeats)}; result: {Of(_deliveries)}");
            await Task.Delay(Lease + TimeSpan.FromSeconds(5), TimeProvider.System);
            Print($"  {_recoveries.Count} workers ended; another had their task after {Of(_recoveries, "s")}, a lease being {Lease.TotalSeconds:F0} s");
            await _stop.CancelAsync();
            await Task.WhenAll(all);
        }

        /// <summary>Orders a task, waits for its result, and orders the next one, as a run does.</summary>
        private async Task OrderAsync()
        {
            IDispatcherGrain dispatcher = host.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);
            while (!_stop.IsCancellationRequested)
            {
                string key = BlobHash.Of(BitConverter.GetBytes(Interlocked.Increment(ref _next))).Hex;
                _ordered[key] = Clocks.Wall();
                await dispatcher.OrderAsync(new TaskOrder("benchmark", key, "features", [], [key], 1, 1e12, 0, ""));
                while (!_stop.IsCancellationRequested && (await dispatcher.WatchAsync(key, 0, 0)).Delivery is null)
                {
                    // It answers from time to time, so that nobody takes it for dead.
                }

                await dispatcher.ForgetAsync("benchmark", key);
            }
        }

        private async Task WorkAsync(int number)
        {
            IWorkerLink link = host.Link;
            string name = $"worker-{number}";
            RandomStream random = new(1, "times of tasks", number);
            await link.RegisterAsync(new WorkerOffer(name, 1, WorkerVersion.Text, "cpu", 1L << 40, 1e11, "print", 1), CancellationToken.None);
            for (long request = 1; !_stop.IsCancellationRequested;)
            {
                double asked = Clocks.Wall();
                LeaseOutcome outcome = await link.LeaseAsync(new LeaseQuestion(name, 1, request, []), CancellationToken.None);
                if (outcome.Task is not { } task)
                {
                    continue;
                }

                Note(_leases, asked);
                request++;
                if (_ordered.TryRemove(task.Key, out double ordered))
                {
                    Note(_starts, ordered);
                }

                if (_lost.TryRemove(task.Key, out double since))
                {
                    _recoveries.Add(Clocks.Wall() - since);
                }

                TimeSpan time = TaskTime * (0.8 + (0.4 * random.NextDouble()));
                double begun = Clocks.Wall();
                while (time > TimeSpan.Zero)
                {
                    TimeSpan pause = time < task.HeartbeatEvery ? time : task.HeartbeatEvery;
                    await Task.Delay(pause, TimeProvider.System);
                    time -= pause;
                    if (Interlocked.Decrement(ref _toKill) >= 0)
                    {
                        _lost[task.Key] = Clocks.Wall();
                        return;
                    }

                    if (time > TimeSpan.Zero)
                    {
                        double beat = Clocks.Wall();
                        await link.HeartbeatAsync(new HeartbeatNote(name, 1, task.Lease, task.Key, 0, TimeSpan.FromSeconds(beat - begun), StepBatch.None), CancellationToken.None);
                        Note(_heartbeats, beat);
                    }
                }

                double done = Clocks.Wall();
                TaskDelivery delivery = new(ImmutableSortedDictionary<string, string>.Empty.Add("features", task.Key), "{}", TimeSpan.FromSeconds(done - begun), StepBatch.None);
                await link.CompleteAsync(name, 1, task.Lease, task.Key, delivery, CancellationToken.None);
                Note(_deliveries, done);
            }
        }

        private void Note(ConcurrentBag<double> times, double since)
        {
            if (_measures)
            {
                times.Add(Clocks.Wall() - since);
            }
        }

        private static string Of(ConcurrentBag<double> times, string unit = "ms")
        {
            double[] sorted = [.. times.Order()];
            double scale = unit == "ms" ? 1000 : 1;
            return sorted.Length == 0 ? "none" : string.Create(CultureInfo.InvariantCulture,
                $"median {scale * sorted[sorted.Length / 2]:F2}, p99 {scale * sorted[(int)(sorted.Length * 0.99)]:F2}, most {scale * sorted[^1]:F2} {unit}");
        }
    }

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
