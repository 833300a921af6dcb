using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>
/// Both ends of a run that is computed elsewhere: the tasks that read the user's files are done in a folder of this machine, and in the end
/// the same folder takes in what has become of it, as if the run had been computed there.
/// </summary>
/// <param name="time">For durations and the age of leftovers; reaches no result.</param>
public sealed class RunTransfer(TimeProvider time)
{
    /// <summary>The kinds of tasks that read the user's files.</summary>
    internal static readonly string[] OfFiles = 
        [CorpusSpec.TaskKind, TokenizerSpec.TaskKind, TokenizeSpec.TaskKind, ImportSpec.TaskKind, ChatTemplateSpec.TaskKind];

    /// <summary>Turns the text into tokens, or remembers that it has.</summary>
    /// <param name="config">The run.</param>
    /// <param name="folder">Its folder, which is begun where there is none.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DiPaCoException">Configuration, data or the run's folder is not as it must be.</exception>
    public async Task<PreparedRun> PrepareAsync(LoadedConfig config, string folder, IRunObserver observer, CancellationToken cancellationToken)
    {
        DeferredSource source = new(() => CorpusSource.Open(config));
        using RunFolder run = Open(RunDescription.Of(config), folder);
        using TaskJournal journal = TaskJournal.OpenForWriting(run.Lock);
        FolderBlobStore store = new(run.Paths.Blobs, time: time);
        using MetricsLog metrics = MetricsLog.OpenForWriting(run.Lock);
        MetricsObserver watched = new(observer, metrics, time);
        RunSession session = new(config.Config, store, new TaskRunner(store, journal, new NothingToCompute()), watched, time)
        {
            ConfigurationYaml = ResolvedYaml.Write(config),
        };
        int threads = config.Config.Threads > 0 ? config.Config.Threads : Environment.ProcessorCount;
        string? tokenizerFile = config.Config.Tokenizer.File is { } file ? config.FullPath(file) : null;
        await ChatTemplateStage.Of(session, config.FullPath).KeepAsync(cancellationToken);
        PreparedCorpus corpus = await new CorpusStage(session, source, tokenizerFile, threads).PrepareAsync(cancellationToken);
        if (config.Config.Recipe.BaseModel is { } checkpoint)
        {
            TransformerShape shape = config.Config.ShapeFor(corpus.Summary.Vocabulary);
            await new FirstParameters(session, config.FullPath(checkpoint)).MakeAsync(shape, cancellationToken);
        }

        JournalEntry[] entries = [.. journal.Entries.Where(entry => OfFiles.Contains(entry.Kind))];
        byte[][] lines = [.. ForgottenTask.Lines(entries, new HashSet<string>(), new HashSet<string>())];
        return new PreparedRun(RunDescription.Of(config), [.. lines.SelectMany(line => line)], [.. Retention.Expected(entries).Order()], store);
    }

    /// <summary>Takes in a finished run: its journal and the blobs that it names; what follows from them is written anew.</summary>
    /// <param name="run">The run.</param>
    /// <param name="lines">Its journal, as the bytes of its file.</param>
    /// <param name="from">Has its blobs.</param>
    /// <param name="folder">The folder, which is begun where there is none.</param>
    /// <param name="observer">Watches.</param>
    /// <param name="cancellationToken">Ends the work, which can be begun again.</param>
    /// <exception cref="DiPaCoException">The journal is damaged or not complete, or the folder is another run's.</exception>
    public async Task<RunResults> TakeInAsync(
        RunDescription run, byte[] lines, IBlobStore from, string folder, IRunObserver observer, CancellationToken cancellationToken)
    {
        ImmutableArray<JournalEntry> entries = EntriesOf(lines);
        using RunFolder opened = Open(run, folder);
        FolderBlobStore store = new(opened.Paths.Blobs, time: time);
        foreach (BlobHash blob in Retention.Expected(entries).Order())
        {
            if (!await store.ExistsAsync(blob, cancellationToken))
            {
                await using Stream source = await from.OpenReadAsync(blob, cancellationToken);
                await store.PutAsync(source.CopyToAsync, cancellationToken);
            }
        }

        // The journal comes last: with it the run counts as having all of this.
        DurableFile.WriteAllBytes(opened.Paths.Journal, lines);
        using TaskJournal journal = TaskJournal.OpenForWriting(opened.Lock);
        RunResults results = await HostedRun.WalkAsync(
            run, run.Read(), journal, store, new NothingToCompute(), opened.Paths, new Silent(observer), time, cancellationToken);
        results = results with { Timings = await MetricsReader.ReadTimesAsync(opened.Paths.Metrics, cancellationToken) };
        ResultsFile.Write(opened.Paths.Folder, results);
        return results;
    }

    /// <summary>The finished tasks of a journal that came from elsewhere.</summary>
    /// <exception cref="StorageException">It is damaged, or of another version.</exception>
    public static ImmutableArray<JournalEntry> EntriesOf(byte[] lines)
    {
        const string Place = "the journal that was sent";
        JournalContents contents = JournalContents.Read(Place, lines);
        return contents.TornBytes == 0 ? [.. contents.Entries] : throw new StorageException(Place, "The journal that was sent ends in the middle of a line. Send it again.");
    }

    private static RunFolder Open(RunDescription run, string folder) => RunFolder.OpenOrCreate(
        folder, RunInfo.Of(RunDescription.Program, JsonSerializer.Deserialize<JsonElement>(run.Configuration)), run.ConfigurationYaml, RunConfigJson.FreeKeys);

    /// <summary>Nothing is computed, so that nothing but warnings is news.</summary>
    private sealed class Silent(IRunObserver next) : IRunObserver
    {
        public void Observe(RunEvent runEvent)
        {
            if (runEvent is RunNote { IsWarning: true })
            {
                next.Observe(runEvent);
            }
        }
    }
}
