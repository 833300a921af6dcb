using DiPaCo.Cluster.Blobs;
using DiPaCo.Core;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>
/// A run that a cluster computes, from the submitter's side: the text becomes tokens here, blobs and journal are handed over, then it is
/// followed. Each part may be broken off anywhere and begun again.
/// </summary>
/// <param name="link">The cluster.</param>
/// <param name="http">The same, for blobs.</param>
/// <param name="folder">The run's folder on this machine.</param>
/// <param name="time">For pauses and durations.</param>
public sealed class SubmittedRun(GrpcOperatorLink link, HttpClient http, string folder, TimeProvider time)
{
    private const long CacheBytes = 2L << 30;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Silos restart in seconds; whoever waits in front of a screen wants to know of more.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Hands a prepared run over.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="run">The run.</param>
    /// <param name="strict">Whether all its tasks are to be computed by workers that round alike.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DiPaCoException">The cluster refuses, or cannot be reached.</exception>
    public Task<RunLine> SubmitAsync(string name, PreparedRun run, bool strict, IRunObserver observer, CancellationToken cancellationToken) => WithStoreAsync(
        async store =>
        {
            foreach (BlobHash blob in run.Blobs)
            {
                BlobInfo info = await run.Store.FindAsync(blob, cancellationToken) ?? throw new MissingBlobException(blob, folder);
                if (!await store.RenewAsync(blob, info.Bytes, cancellationToken))
                {
                    await using Stream source = await run.Store.OpenReadAsync(blob, cancellationToken);
                    await store.PutAsync(source.CopyToAsync, cancellationToken);
                }
            }

            RunSubmission submission = new(run.Run.Configuration, run.Run.ConfigurationYaml, run.Journal, strict);
            return await PatientlyAsync(() => link.SubmitAsync(name, submission, cancellationToken), observer, cancellationToken);
        },
        cancellationToken);

    /// <summary>Follows a run until it is at its end, or nobody wants it to go on.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="observer">Is told its events.</param>
    /// <param name="cancellationToken">Ends the following, not the run.</param>
    /// <returns>Where it stands.</returns>
    /// <exception cref="LinkException">The cluster cannot be reached.</exception>
    public async Task<RunLine> FollowAsync(string name, IRunObserver observer, CancellationToken cancellationToken)
    {
        (long session, long next) = (0, 0);
        bool isPaused = false;
        while (true)
        {
            (long asked, long from) = (session, next);
            RunNews news = await PatientlyAsync(() => link.FollowAsync(name, asked, from, cancellationToken), observer, cancellationToken);
            if (session != 0 && news.Session != session)
            {
                observer.Observe(new RunNote($"Another silo hosts the run now ({news.Run.Silo}); it walks over what is done and goes on.", IsWarning: false));
            }

            (session, next) = (news.Session, news.Next);
            foreach (string line in news.Events)
            {
                if (RunEventJson.Read(line) is { } runEvent)
                {
                    observer.Observe(runEvent);
                }
            }

            if (news.Run.Life is not (RunLife.Running or RunLife.Paused))
            {
                return news.Run;
            }

            if (isPaused != (news.Run.Life == RunLife.Paused))
            {
                isPaused = !isPaused;
                observer.Observe(new RunNote(isPaused ? $"The run is paused ('dipaco run resume {name}')." : "The run goes on.", IsWarning: false));
            }

            if (news.Events.IsEmpty)
            {
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    /// <summary>Takes a finished run into its folder, as if it had been computed there.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DiPaCoException">The cluster refuses or cannot be reached, or the folder is another run's.</exception>
    public Task<RunResults> TakeInAsync(string name, IRunObserver observer, CancellationToken cancellationToken) => WithStoreAsync(
        async store =>
        {
            (RunDescription run, byte[] journal) = await PatientlyAsync(() => link.FetchAsync(name, cancellationToken), observer, cancellationToken);
            return await new RunTransfer(time).TakeInAsync(run, journal, store, folder, observer, cancellationToken);
        },
        cancellationToken);

    /// <summary>The cluster's store, with a cache that is gone afterwards.</summary>
    private async Task<T> WithStoreAsync<T>(Func<HttpBlobStore, Task<T>> use, CancellationToken cancellationToken)
    {
        string cacheFolder = Directory.CreateTempSubdirectory("dipaco-transfer-").FullName;
        try
        {
            using BlobCache cache = await BlobCache.OpenAsync(cacheFolder, CacheBytes, time, cancellationToken);
            using HttpBlobStore store = new(http, cache, new RemoteBlobOptions { Client = "submitter" }, time);
            return await use(store);
        }
        finally
        {
            Directory.Delete(cacheFolder, recursive: true);
        }
    }

    private async Task<T> PatientlyAsync<T>(Func<Task<T>> call, IRunObserver observer, CancellationToken cancellationToken)
    {
        long begun = time.GetTimestamp();
        for (bool told = false; ; told = true)
        {
            try
            {
                return await call();
            }
            catch (LinkException exception) when (!exception.IsFinal && time.GetElapsedTime(begun) < Patience)
            {
                if (!told)
                {
                    observer.Observe(new RunNote($"{exception.Message} Asked again, for {Patience.TotalMinutes:0} min.", IsWarning: true));
                }

                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }
}
