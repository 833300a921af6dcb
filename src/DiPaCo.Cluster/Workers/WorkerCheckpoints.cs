using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Cluster.Blobs;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>
/// States of tasks under way in a worker's own cache: a worker that ends suddenly and comes back with the same folder goes on from there.
/// A state that is lost, damaged or evicted costs time only.
/// </summary>
/// <param name="cache">Holds the states' blobs, beside everything else and within its limit.</param>
/// <param name="fingerprint">The worker's numerics; a state of another kind of arithmetic is not gone on from.</param>
/// <param name="options">How often.</param>
/// <param name="observer">Told of states that cannot be kept.</param>
/// <param name="time">Says when it is time again; reaches no result.</param>
public sealed class WorkerCheckpoints(BlobCache cache, string fingerprint, WorkerOptions options, IWorkerObserver observer, TimeProvider time)
{
    private const int MostBytes = 64 << 10;

    // Tasks whose worker has ended and never got them again leave theirs behind.
    private const int MostFiles = LeaseQuestion.MostKept;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { RespectRequiredConstructorParameters = true, RespectNullableAnnotations = true };

    private readonly BlobCache _cache = cache;
    private readonly WorkerOptions _options = options;
    private readonly IWorkerObserver _observer = observer;
    private readonly TimeProvider _time = time;
    private readonly string _folder = Path.Combine(cache.Folder, "checkpoints");

    /// <summary>Keys of the tasks of which a state is kept that can be used, newest first.</summary>
    /// <param name="most">How many at most.</param>
    public ImmutableArray<string> Newest(int most)
    {
        try
        {
            return Directory.Exists(_folder)
                ? [.. FilesByAge().Select(file => Path.GetFileNameWithoutExtension(file.Name)).Where(name => BlobHash.TryParse(name, out _) && Find(new TaskKey(name)) is not null).Take(most)]
                : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The last state of a task that was kept here; null: none that can be used.</summary>
    /// <param name="key">The task.</param>
    public InnerState? Find(TaskKey key)
    {
        if (Read(key) is not { } kept || kept.Fingerprint != fingerprint || kept.DoneSteps < 1 || kept.DoneSteps >= kept.Steps)
        {
            return null;
        }

        try
        {
            return new HandOver(kept.DoneSteps, kept.Steps, kept.Blobs).ToInnerState();
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>Keeps the states of a task from now on.</summary>
    /// <param name="key">The task.</param>
    /// <returns>Null: the options say that none are kept.</returns>
    public ITaskCheckpoints? Of(TaskKey key) => _options.CheckpointEvery > TimeSpan.Zero ? new Keeper(this, key) : null;

    /// <summary>A task needs its state no more.</summary>
    /// <param name="key">The task.</param>
    public void Forget(TaskKey key)
    {
        try
        {
            if (Find(key) is { } state)
            {
                Remove(state.Blobs.Values);
            }

            FileInfo file = new(FileOf(key));
            if (file.Exists)
            {
                file.Delete();
            }
        }
        catch (Exception exception) when (exception is StorageException or IOException or UnauthorizedAccessException)
        {
            // A task that is done is not to be taken for failed because of it; nobody asks for its state again.
            _observer.Observe(new WorkerEvent(WorkerEventKind.Warned, $"the state of a task that is done cannot be removed: {exception.Message}"));
        }
    }

    private string FileOf(TaskKey key) => Path.Combine(_folder, $"{BlobHash.Parse(key.Hex).Hex}.json");

    private Checkpoint? Read(TaskKey key)
    {
        try
        {
            FileInfo file = new(FileOf(key));
            return file.Exists && file.Length <= MostBytes ? JsonSerializer.Deserialize<Checkpoint>(File.ReadAllBytes(file.FullName), s_json) : null;
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private void Write(TaskKey key, InnerState state)
    {
        DurableFile.CreateFolder(_folder);
        HandOver kept = HandOver.Of(state);
        DurableFile.WriteAllBytes(FileOf(key), JsonSerializer.SerializeToUtf8Bytes(new Checkpoint(fingerprint, kept.DoneSteps, kept.Steps, kept.Blobs), s_json));
        foreach (FileInfo old in FilesByAge().Skip(MostFiles))
        {
            old.Delete();
        }
    }

    private IEnumerable<FileInfo> FilesByAge() => new DirectoryInfo(_folder).GetFiles().OrderByDescending(file => file.LastWriteTimeUtc);

    private void Remove(IEnumerable<BlobHash> blobs)
    {
        foreach (BlobHash blob in blobs)
        {
            _cache.Remove(blob);
        }
    }

    /// <summary>What is written down of a state.</summary>
    private sealed record Checkpoint(string Fingerprint, long DoneSteps, long Steps, ImmutableSortedDictionary<string, string> Blobs);

    private sealed class Keeper(WorkerCheckpoints owner, TaskKey key) : ITaskCheckpoints
    {
        private long _last = owner._time.GetTimestamp();
        private TimeSpan _pause = owner._options.CheckpointEvery;
        private bool _hasFailed;

        public bool IsDue => !_hasFailed && owner._time.GetElapsedTime(_last) >= _pause;

        public async Task KeepAsync(Func<IBlobSink, CancellationToken, Task<InnerState>> save, CancellationToken cancellationToken)
        {
            long begun = owner._time.GetTimestamp();
            using CacheSink sink = new(owner._cache);
            try
            {
                InnerState? before = owner.Find(key);
                InnerState state = await save(sink, cancellationToken);
                owner.Write(key, state);
                owner.Remove((before?.Blobs.Values ?? []).Except(state.Blobs.Values));
            }
            catch (Exception exception) when (exception is StorageException or DamagedBlobException or IOException or UnauthorizedAccessException)
            {
                _hasFailed = true;
                owner._observer.Observe(new WorkerEvent(WorkerEventKind.Warned, $"the state of a task cannot be kept; if this worker ends suddenly, the task begins anew: {exception.Message}"));
            }

            _last = owner._time.GetTimestamp();
            TimeSpan cost = owner._time.GetElapsedTime(begun, _last);
            TimeSpan least = cost / owner._options.CheckpointShare;
            _pause = least > owner._options.CheckpointEvery ? least : owner._options.CheckpointEvery;
        }
    }

    /// <summary>Puts blobs into the cache only, where they stay at least until the whole state is there.</summary>
    private sealed class CacheSink(BlobCache cache) : IBlobSink, IDisposable
    {
        private readonly List<BlobLease> _leases = [];

        public async Task<BlobHash> PutAsync(Func<Stream, CancellationToken, Task> write, CancellationToken cancellationToken)
        {
            BlobLease lease = await cache.PutAsync(write, cancellationToken);
            _leases.Add(lease);
            return lease.Hash;
        }

        public Task<BlobHash> PutAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
            PutAsync(async (stream, cancellation) => await stream.WriteAsync(bytes, cancellation), cancellationToken);

        public void Dispose() => _leases.ForEach(lease => lease.Dispose());
    }
}
