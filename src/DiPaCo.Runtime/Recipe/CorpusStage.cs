using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Brings the corpus into the run: check, tokenizer, token chunks. After it the text itself is no longer needed.</summary>
/// <param name="session">The run.</param>
/// <param name="source">The user's text.</param>
/// <param name="tokenizerFile">The user's tokenizer; null: one is trained.</param>
/// <param name="threads">Threads that tokenize; the bytes do not depend on it.</param>
internal sealed class CorpusStage(RunSession session, IDocumentSource source, string? tokenizerFile, int threads)
{
    private readonly SplitFractions _fractions = new(
        session.Config.Data.ValidationShare, session.Config.Data.TestShare, session.Config.Data.RouterShare);

    /// <summary>Prepares the corpus, or remembers how it was prepared.</summary>
    public async Task<PreparedCorpus> PrepareAsync(CancellationToken cancellationToken)
    {
        TaskResult read = await session.StageAsync(Stage.Corpus, 0, "documents", async () =>
        {
            TaskResult result = await session.Tasks.RecallAsync(
                new CorpusSpec(session.Config.Data), () => CheckAsync(cancellationToken), cancellationToken);
            CorpusManifest found = JsonSerializer.Deserialize<CorpusManifest>(result.Metrics, TaskJson.Options)!;
            return (result, string.Create(
                CultureInfo.InvariantCulture,
                $"{found.Documents:N0} documents, {Size(found.Bytes)}: {found.Train:N0} to train on, {found.Validation:N0} validation, {found.Test:N0} test"));
        });
        CorpusManifest manifest = JsonSerializer.Deserialize<CorpusManifest>(read.Metrics, TaskJson.Options)!;
        BlobHash manifestBlob = read[CorpusSpec.Output];
        BlobHash tokenizer = await session.StageAsync(Stage.Tokenizer, 0, "documents", async () =>
        {
            // Once the run has its tokenizer it needs the file no more, so a folder that was moved elsewhere goes on.
            if (tokenizerFile is not null && !File.Exists(tokenizerFile) && session.Tasks.FindOnly(TokenizerSpec.TaskKind) is { } kept)
            {
                return (kept.Result[TokenizerSpec.Output], $"from {tokenizerFile}, as it was when the run began");
            }

            byte[]? file = tokenizerFile is null ? null : (await TokenizerFile.ReadAsync(tokenizerFile, cancellationToken)).File;
            TokenizerSpec spec = new(manifestBlob, session.Config.Tokenizer with { ChatTemplate = null }, file is null ? null : BlobHash.Of(file));
            ThrowIfOtherTokenizer(spec);
            TaskResult result = await session.Tasks.RecallAsync(spec, () => MakeTokenizerAsync(file, manifest, cancellationToken), cancellationToken);
            return (result[TokenizerSpec.Output], file is null ? "byte-level BPE trained on the corpus" : $"from {tokenizerFile}");
        });
        return await session.StageAsync(Stage.Tokens, manifest.Documents, "documents", async () =>
        {
            TaskResult result = await session.Tasks.RecallAsync(
                new TokenizeSpec(manifestBlob, tokenizer), () => TokenizeAsync(tokenizer, manifest, cancellationToken), cancellationToken);
            TokenizeMetrics metrics = JsonSerializer.Deserialize<TokenizeMetrics>(result.Metrics, TaskJson.Options)!;
            PreparedCorpus corpus = new(manifestBlob, tokenizer, [.. result.Outputs.Values], new CorpusSummary(
                manifest.Documents, manifest.Bytes, metrics.Tokens, metrics.Vocabulary,
                manifest.Train, manifest.Validation, manifest.Test, manifest.Router, manifest.BadRecords), metrics.Usable);
            return (corpus, string.Create(
                CultureInfo.InvariantCulture,
                $"{metrics.Tokens:N0} tokens, {(double)manifest.Bytes / metrics.Tokens:0.00} bytes per token, vocabulary {metrics.Vocabulary:N0}"));
        });
    }

    /// <summary>Another tokenizer makes other tokens, so everything would silently begin anew.</summary>
    private void ThrowIfOtherTokenizer(TokenizerSpec spec)
    {
        if (session.Tasks.FindOnly(TokenizerSpec.TaskKind) is { } known && known.Key != spec.Key())
        {
            throw new DiPaCoException(
                $"tokenizer.file '{tokenizerFile}' has changed since the run began: it now hashes to {spec.File}. Restore it, or train into another folder (--run).");
        }
    }

    private async Task<TaskResult> CheckAsync(CancellationToken cancellationToken)
    {
        if (source.Remark is { } remark)
        {
            session.Note(remark, isWarning: true);
        }

        using CorpusFingerprint fingerprint = new();
        long[] splits = new long[Enum.GetValues<Split>().Length];
        CorpusReport report = new();
        await foreach (Document document in ReadAsync(Stage.Corpus, report, cancellationToken))
        {
            fingerprint.Add(document);
            splits[(int)_fractions.Of(DocumentOrigin.Hash(document.Origin))]++;
        }

        if (report.Documents == 0)
        {
            throw new DiPaCoException($"There is no document in {source.Description}. Give text to train on (data.paths).");
        }

        foreach (string note in BadRecordNotes.Of(report))
        {
            session.Note(note, isWarning: true);
        }

        if (splits[(int)Split.Train] == 0)
        {
            throw new DiPaCoException(string.Create(
                CultureInfo.InvariantCulture,
                $"All of {source.Description}, {report.Documents:N0} documents, is held out, and nothing is left to train on (validation {splits[(int)Split.Validation]:N0}, test {splits[(int)Split.Test]:N0}, router {splits[(int)Split.Router]:N0}). Documents of one original stay in one split: records with the same url (up to a #), and all parts of one .txt file unless that file is the whole text. Give text of more originals, or name the field that tells them apart (data.origin_field)."));
        }

        CorpusManifest manifest = new(
            fingerprint.Finish(), report.Documents, fingerprint.Bytes, splits[(int)Split.Train],
            splits[(int)Split.Validation], splits[(int)Split.Test], splits[(int)Split.Router], report.BadRecords);
        byte[] json = TaskJson.SerializeToUtf8Bytes(manifest);
        BlobHash blob = await session.Store.PutAsync(json, cancellationToken);
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty.Add(CorpusSpec.Output, blob), System.Text.Encoding.UTF8.GetString(json));
    }

    private async Task<TaskResult> MakeTokenizerAsync(byte[]? file, CorpusManifest manifest, CancellationToken cancellationToken)
    {
        BlobHash blob = await session.Store.PutAsync(file ?? await TrainTokenizerAsync(manifest, cancellationToken), cancellationToken);
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty.Add(TokenizerSpec.Output, blob), "{}");
    }

    private async Task<byte[]> TrainTokenizerAsync(CorpusManifest manifest, CancellationToken cancellationToken)
    {
        TokenizerOptions options = session.Config.Tokenizer;
        BpeTrainer trainer = new(new BpeTrainerOptions
        {
            VocabularySize = options.Vocabulary,
            MaximumSampleBytes = options.TrainingBytes,
            Threads = threads,
        });
        using CorpusFingerprint fingerprint = new();
        IAsyncEnumerable<Document> training = DocumentFilter.InSplit(
            WatchAsync(Stage.Tokenizer, fingerprint, cancellationToken), _fractions, Split.Train, cancellationToken);
        TextTokenizer tokenizer = await trainer.TrainAsync(training, cancellationToken);
        ThrowIfChanged(fingerprint, manifest);
        return tokenizer.File.ToArray();
    }

    private async Task<TaskResult> TokenizeAsync(
        BlobHash tokenizerBlob, CorpusManifest manifest, CancellationToken cancellationToken)
    {
        TextTokenizer tokenizer = TokenizerFile.Load(
            await session.Store.ReadAllBytesAsync(tokenizerBlob, TokenizerFile.MaximumBytes, cancellationToken), tokenizerFile ?? "the run's tokenizer");
        CorpusTokenizer chunks = new(tokenizer, new CorpusTokenizerOptions { Fractions = _fractions, Threads = threads });
        ImmutableSortedDictionary<string, BlobHash> outputs = ImmutableSortedDictionary<string, BlobHash>.Empty;
        using CorpusFingerprint fingerprint = new();
        long tokens = 0;
        IAsyncEnumerable<Document> documents = WatchAsync(Stage.Tokens, fingerprint, cancellationToken);
        await foreach (TokenChunkBuilder chunk in chunks.TokenizeAsync(documents, cancellationToken))
        {
            BlobHash blob = await session.Store.PutAsync(chunk.WriteToAsync, cancellationToken);
            outputs = outputs.Add(TokenizeSpec.Output(outputs.Count), blob);
            tokens += chunk.TokenCount;
        }

        ThrowIfChanged(fingerprint, manifest);
        SequenceOptions sequences = new(session.Sequences.Length, session.Sequences.PrefixTokens);
        using TokenCorpus corpus = await TokenFiles.OpenAsync([.. outputs.Values], session.Store, cancellationToken);

        // Most runs train nothing on the router split, so it may be empty; TrainRun looks at it where one does.
        CorpusRequirement.Check(corpus, source.Description, _fractions with { Router = 0 }, sequences);
        long usable = corpus.Documents(Split.Train).LongCount(id => sequences.IsUsable(corpus[id].TokenCount));
        TokenizeMetrics metrics = new(tokens, tokenizer.VocabularySize, usable);
        return new TaskResult(outputs, JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    /// <summary>Before anything that was made of the text is recorded: under the manifest's name it would stand for other text.</summary>
    private void ThrowIfChanged(CorpusFingerprint fingerprint, CorpusManifest manifest)
    {
        BlobHash found = fingerprint.Finish();
        if (found != manifest.Content)
        {
            throw new DiPaCoException(
                $"The corpus ({source.Description}) has changed since the run began: its documents hash to {found}, they did to {manifest.Content}. "
                + "Restore it, or train into another folder (--run).");
        }
    }

    private async IAsyncEnumerable<Document> WatchAsync(
        Stage stage, CorpusFingerprint fingerprint, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (Document document in ReadAsync(stage, new CorpusReport(), cancellationToken))
        {
            fingerprint.Add(document);
            yield return document;
        }
    }

    private static string Size(long bytes) => bytes >= 1_000_000
        ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:N1} MB")
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:N1} kB");

    /// <summary>Reads the text and says every now and then how far it is.</summary>
    private async IAsyncEnumerable<Document> ReadAsync(
        Stage stage, CorpusReport report, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int Every = 1000;
        await foreach (Document document in source.ReadAsync(report, cancellationToken))
        {
            yield return document;
            if (report.Documents % Every == 0)
            {
                session.Observe(new StageAdvanced(stage, report.Documents, Reused: false));
            }
        }
    }
}
