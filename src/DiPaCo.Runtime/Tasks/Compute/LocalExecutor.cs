using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Routing;
using DiPaCo.Runtime.Storage;
using TorchSharp;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Computes tasks in this process, one at a time, but for outer steps and folds: they are short, paths wait for them, and they have no part of a
/// model's buffers, so one of them is computed beside another task. Arithmetic runs on a thread of its own, because tensors belong to the thread
/// that made them and must not meet an await.
/// </summary>
/// <param name="device">Where paths are computed.</param>
/// <param name="threads">Threads of everything that libtorch does not compute; no result depends on it.</param>
/// <param name="time">For progress only.</param>
public sealed class LocalExecutor(torch.Device device, int threads, TimeProvider time) : IDivisibleExecutor, IDisposable
{
    private readonly PathModels _models = new(device);
    private readonly SemaphoreSlim _busy = new(1);
    private readonly SemaphoreSlim _folding = new(1);
    private readonly ComputeThread _compute = new();

    /// <inheritdoc/>
    public async Task<TaskResult> ExecuteAsync(TaskSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        SemaphoreSlim turn = spec is FoldSpec or OuterSpec ? _folding : _busy;
        await turn.WaitAsync(cancellationToken);
        try
        {
            return spec switch
            {
                InitializeSpec initialize => await InitializeAsync(initialize, store, cancellationToken),
                ForkSpec fork => await ForkTask.ExecuteAsync(fork, store, cancellationToken),
                TrainSpec train => (await TrainAsync(train, null, StepLimit.None, store, progress, cancellationToken)).Result!,
                SynchronousSpec synchronous => await TrainAsync(synchronous, store, progress, cancellationToken),
                FoldSpec fold => await FoldTask.ExecuteAsync(fold, store, cancellationToken),
                OuterSpec outer => await OuterTask.ExecuteAsync(outer, threads, store, cancellationToken),
                FeaturesSpec features => await FeaturesAsync(features, store, progress, cancellationToken),
                RouterSpec router => await FitRouterAsync(router, store, cancellationToken),
                DiscriminativeSpec discriminative => await FitRouterAsync(discriminative, store, cancellationToken),
                ShardSpec shard => await ShardAsync(shard, store, cancellationToken),
                HeldOutSpec heldOut => await HeldOutAsync(heldOut, store, cancellationToken),
                LossDifferenceSpec difference => LossDifferenceTask.Execute(
                    await LossMatrixCodec.ReadAllAsync([difference.Earlier], store, cancellationToken),
                    await LossMatrixCodec.ReadAllAsync([difference.Later], store, cancellationToken)),
                EvaluateSpec evaluate => await EvaluateAsync(evaluate, store, progress, cancellationToken),
                ScoreSpec score => await ScoreAsync(score, store, progress, cancellationToken),
                CandidateSpec candidates => await ScoreAsync(candidates, store, progress, cancellationToken),
                TokenRouterSpec tokenRouter => await TrainTokenRouterAsync(tokenRouter, store, progress, cancellationToken),
                RouterBoundsSpec bounds => await RouterBoundsAsync(bounds, store, cancellationToken),
                RerouteSpec reroute => await RerouteAsync(reroute, store, cancellationToken),
                SampleSpec sample => await SampleAsync(sample, store, cancellationToken),
                TopicsSpec topics => await TopicsAsync(topics, store, cancellationToken),
                DriftSpec drift => await DriftTask.ExecuteAsync(drift, store, cancellationToken),
                _ => throw new ArgumentException($"No worker can compute a task of kind '{spec.Kind}'.", nameof(spec)),
            };
        }
        finally
        {
            turn.Release();
        }
    }

    /// <inheritdoc/>
    public async Task<TaskPart> ExecuteAsync(
        TaskSpec spec, InnerState? from, StepLimit limit, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Stop);
        if (spec is not TrainSpec train)
        {
            return new TaskPart(await ExecuteAsync(spec, store, progress, ended.Token), null);
        }

        await _busy.WaitAsync(ended.Token);
        try
        {
            return await TrainAsync(train, from, limit, store, progress, cancellationToken);
        }
        finally
        {
            _busy.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _compute.Dispose();
        _models.Dispose();
        _busy.Dispose();
        _folding.Dispose();
    }

    private async Task<TaskResult> InitializeAsync(InitializeSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        PathInput path = new(spec.Shape, Core.Configuration.ComputeType.Fp32, [new ModuleInput(ModuleId.Dense, spec.Parts, default)]);
        PathModel initial = await _compute.Run(() =>
        {
            PathModel model = _models.Create(path, FeaturesTask.BatchDocuments);
            model.Parameters.Initialize(spec.Seed);
            return model;
        });
        BlobHash blob = await store.PutAsync(stream => initial.Parameters.Save(ModuleId.Dense, stream), cancellationToken);
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty.Add(OuterSpec.ModuleOutput, blob), "{}");
    }

    private async Task<TaskPart> TrainAsync(
        TrainSpec spec, InnerState? from, StepLimit limit, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        using TokenCorpus shard = await TokenFiles.OpenAsync(spec.Shard, store, cancellationToken);
        TrainTask task = new(spec, shard, time);
        TrainOutcome outcome;
        try
        {
            outcome = await StepsFromAsync(from);
        }
        catch (DiPaCoException) when (from is not null)
        {
            // A lost, damaged or poisoned state costs time only: the task is the same from its beginning.
            outcome = await StepsFromAsync(null);
        }

        try
        {
            return await outcome.StorePartAsync(store, cancellationToken);
        }
        finally
        {
            await DisposeAsync(outcome);
        }

        async Task<TrainOutcome> StepsFromAsync(InnerState? state)
        {
            TrainStart start = await TrainStart.OpenAsync(spec, state, store, cancellationToken);
            TrainOutcome made = await _compute.Run(() => task.Execute(
                _models.Load(spec.Model, start.Modules, spec.Sequences.MicroBatch * spec.Sequences.Length), start, limit, progress, cancellationToken));
            try
            {
                while (made.IsPaused)
                {
                    TrainOutcome paused = made;
                    await limit.Checkpoints!.KeepAsync(paused.StoreStateAsync, cancellationToken);
                    made = await _compute.Run(() => task.GoOn(paused, limit, progress, cancellationToken));
                }

                return made;
            }
            catch
            {
                await DisposeAsync(made);
                throw;
            }
        }

        Task<bool> DisposeAsync(TrainOutcome made) => _compute.Run(() =>
        {
            made.Dispose();
            return true;
        });
    }

    private async Task<TaskResult> TrainAsync(SynchronousSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> files = await PathModels.FilesAsync(spec.Modules.Select(module => module.Blob), store, cancellationToken);
        string? optimizer = spec.Optimizer is { } state ? await store.GetFileAsync(state, cancellationToken) : null;
        using TokenFiles shards = await TokenFiles.OpenAllAsync(spec.Paths.Select(path => path.Shard), store, cancellationToken);
        SynchronousTask task = new(spec, shards.Corpora, time);
        PathInput first = new(
            spec.Shape, spec.Compute,
            [.. spec.Paths[0].Modules.Select(id => spec.Modules.First(module => module.Id == id))]);
        SynchronousOutcome outcome = await _compute.Run(() => new SynchronousOutcome(
            spec, files, optimizer, _models.Create(first, spec.Sequences.MicroBatch * spec.Sequences.Length), device));
        try
        {
            await _compute.Run(() =>
            {
                outcome.Train(task, progress, cancellationToken);
                return true;
            });
            return await outcome.StoreAsync(store, cancellationToken);
        }
        finally
        {
            await _compute.Run(() =>
            {
                outcome.Dispose();
                return true;
            });
        }
    }

    private async Task<TaskResult> FeaturesAsync(FeaturesSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> files = await PathModels.FilesAsync(spec.Base, store, cancellationToken);
        using TokenChunk chunk = TokenChunk.Open(await store.GetFileAsync(spec.Chunk, cancellationToken));
        FeatureMatrix features = await _compute.Run(() => FeaturesTask.Execute(
            chunk, spec.PrefixTokens, _models.Load(spec.Base, files, FeaturesTask.BatchDocuments * spec.PrefixTokens), progress, cancellationToken));
        BlobHash blob = await store.PutAsync(stream => FeatureCodec.Write(features, spec.PrefixTokens, stream, cancellationToken), cancellationToken);
        RoutingMetrics metrics = new(FeaturesTask.FlopsOf(spec.Base.Shape, features.Rows, spec.PrefixTokens));
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty.Add(FeaturesSpec.Output, blob), JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    private async Task<TaskResult> FitRouterAsync(RouterSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        using RoutedDocuments documents = await DocumentsAsync(corpus, spec.Features, store, cancellationToken);
        (IRouter router, RoutingMetrics metrics) = await _compute.Run(() => RouterTask.Execute(spec, documents, spec.Options.PrefixTokens, threads, cancellationToken));
        BlobHash blob = await store.PutAsync(stream => RouterCodec.Write(router, stream), cancellationToken);
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty.Add(RouterSpec.Output, blob), JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    private async Task<TaskResult> FitRouterAsync(DiscriminativeSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        using RoutedDocuments documents = await DocumentsAsync(corpus, spec.Features, store, cancellationToken);
        ImmutableArray<DocumentLabel> labels = spec.Candidates > 0
            ? CandidateLosses.Labels(await CandidateLossesCodec.ReadAllAsync(spec.Losses, store, cancellationToken), spec.Candidates)
            : DiscriminativeTask.Labels(spec, await LossMatrixCodec.ReadAllAsync(spec.Losses, store, cancellationToken));
        IRouter? prior = spec.Prior is { } before ? RouterCodec.Read(await store.GetFileAsync(before, cancellationToken)) : null;
        (IRouter router, DiscriminativeMetrics metrics) = await _compute.Run(() => DiscriminativeTask.Execute(spec, documents, labels, prior, threads, cancellationToken));
        BlobHash blobOfRouter = await store.PutAsync(stream => RouterCodec.Write(router, stream), cancellationToken);
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty.Add(RouterSpec.Output, blobOfRouter), System.Text.Json.JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    private async Task<TaskResult> ShardAsync(ShardSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        using RoutedDocuments documents = await DocumentsAsync(corpus, spec.Features, store, cancellationToken);
        IRouter router = RouterCodec.Read(await store.GetFileAsync(spec.Router, cancellationToken));
        return await new ShardTask(spec, corpus, documents, router, threads).ExecuteAsync(store, cancellationToken);
    }

    private static async Task<TaskResult> HeldOutAsync(HeldOutSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        return HeldOutTask.Execute(spec, corpus);
    }

    private async Task<TaskResult> EvaluateAsync(EvaluateSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> files = await PathModels.FilesAsync(spec.Model, store, cancellationToken);
        TextTokenizer tokenizer = TokenizerFile.Load(await store.ReadAllBytesAsync(spec.Tokenizer, TokenizerFile.MaximumBytes, cancellationToken));
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        return await _compute.Run(() => EvaluateTask.Execute(
            spec, _models.Load(spec.Model, files, spec.Sequences.MicroBatch * spec.Sequences.Length), corpus, tokenizer.ByteCounts(), progress, cancellationToken));
    }

    private async Task<TaskResult> ScoreAsync(ScoreSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        Dictionary<BlobHash, string> files = await ModuleFilesAsync(spec.Paths, store, cancellationToken);
        TextTokenizer tokenizer = TokenizerFile.Load(await store.ReadAllBytesAsync(spec.Tokenizer, TokenizerFile.MaximumBytes, cancellationToken));
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        ScoreTask task = new(spec, corpus, tokenizer.ByteCounts());
        LossMatrix losses = await _compute.Run(() => task.Execute(
            _models.Create(spec.Paths[0].Model, spec.Sequences.MicroBatch * spec.Sequences.Length), files, progress, cancellationToken));
        BlobHash output = await store.PutAsync(stream => LossMatrixCodec.Write(losses, stream), cancellationToken);
        ScoreMetrics metrics = new(
            losses.Documents.Length, losses.Documents.Sum(document => (long)document.Tokens), task.Tree.ModuleEvaluations, task.Tree.SeparateEvaluations)
        {
            Flops = task.Flops,
        };
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty.Add(ScoreSpec.Output, output), JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    private async Task<TaskResult> ScoreAsync(CandidateSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        Dictionary<BlobHash, string> files = await ModuleFilesAsync(spec.Paths, store, cancellationToken);
        IRouter router = RouterCodec.Read(await store.GetFileAsync(spec.Router, cancellationToken));
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        using RoutedDocuments documents = await DocumentsAsync(corpus, spec.Features, store, cancellationToken);
        (CandidateLosses losses, CandidateMetrics metrics) = await _compute.Run(() =>
        {
            CandidateTask task = new(spec, corpus, documents, router, threads, cancellationToken);
            PathModel model = _models.Create(spec.Paths[0].Model, spec.Sequences.MicroBatch * spec.Sequences.Length);
            return task.Execute(model, files, progress, cancellationToken);
        });
        BlobHash output = await store.PutAsync(stream => CandidateLossesCodec.Write(losses, stream), cancellationToken);
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty.Add(CandidateSpec.Output, output), JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    private async Task<TaskResult> TrainTokenRouterAsync(
        TokenRouterSpec spec, IBlobStore store, IProgress<TaskStep>? progress, CancellationToken cancellationToken)
    {
        LossMatrix losses = await LossMatrixCodec.ReadAllAsync(spec.Losses, store, cancellationToken);
        ArgumentOutOfRangeException.ThrowIfNotEqual(losses.Paths.Length, spec.Paths, nameof(spec));
        string baseFile = (await PathModels.FilesAsync(spec.Base, store, cancellationToken))[0];
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        using LabelledDocuments documents = await LabelledDocuments.OfAsync(corpus, losses, spec.Horizon, cancellationToken);
        (PathModel model, TrainMetrics metrics) = await _compute.Run(() =>
        {
            PathModel router = _models.Create(spec.ModelOf(default), spec.Sequences.MicroBatch * spec.Sequences.Length);
            return (router, TokenRouterTask.Execute(spec, router, baseFile, documents, progress, cancellationToken));
        });
        BlobHash blob = await store.PutAsync(stream => model.Parameters.Save(spec.Base.Modules[0].Id, stream), cancellationToken);
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty.Add(TokenRouterSpec.Output, blob), JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    private async Task<TaskResult> RouterBoundsAsync(RouterBoundsSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        LossMatrix losses = await LossMatrixCodec.ReadAllAsync(spec.Losses, store, cancellationToken);
        IRouter router = RouterCodec.Read(await store.GetFileAsync(spec.Router, cancellationToken));
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        using RoutedDocuments documents = await DocumentsAsync(corpus, spec.Features, store, cancellationToken);
        return await _compute.Run(() => RouterBoundsTask.Execute(losses, documents, corpus, router, cancellationToken));
    }

    private async Task<TaskResult> RerouteAsync(RerouteSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        LossMatrix losses = await LossMatrixCodec.ReadAllAsync(spec.Losses, store, cancellationToken);
        IReadOnlyList<string> files = await PathModels.FilesAsync(spec.Model, store, cancellationToken);
        IRouter router = RouterCodec.Read(await store.GetFileAsync(spec.DocumentRouter, cancellationToken));
        using TokenCorpus corpus = await TokenFiles.OpenAsync(spec.Chunks, store, cancellationToken);
        using RoutedDocuments documents = await DocumentsAsync(corpus, spec.Features, store, cancellationToken);
        return await _compute.Run(() => RerouteTask.Execute(
            spec, losses, documents, corpus, router, _models.Load(spec.Model, files, spec.Sequences.MicroBatch * spec.Sequences.Length), cancellationToken));
    }

    private async Task<TaskResult> SampleAsync(SampleSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> files = await PathModels.FilesAsync(spec.Model, store, cancellationToken);
        return await _compute.Run(() => SampleTask.Execute(spec, _models.Load(spec.Model, files, spec.Prompt.Length + spec.Tokens), cancellationToken));
    }

    private async Task<TaskResult> TopicsAsync(TopicsSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        TextTokenizer tokenizer = TokenizerFile.Load(await store.ReadAllBytesAsync(spec.Tokenizer, TokenizerFile.MaximumBytes, cancellationToken));
        using TokenFiles shards = await TokenFiles.OpenAllAsync(spec.Shards.Select(shard => shard.Chunks), store, cancellationToken);
        return await _compute.Run(() => TopicsTask.Execute(spec, shards.Corpora, tokenizer, cancellationToken));
    }

    private static async Task<Dictionary<BlobHash, string>> ModuleFilesAsync(
        ImmutableArray<PathColumn> paths, IBlobStore store, CancellationToken cancellationToken)
    {
        Dictionary<BlobHash, string> files = [];
        foreach (BlobHash blob in paths.SelectMany(path => path.Model.Blobs))
        {
            files[blob] = await store.GetFileAsync(blob, cancellationToken);
        }

        return files;
    }

    private static async Task<RoutedDocuments> DocumentsAsync(
        TokenCorpus corpus, ImmutableArray<BlobHash> features, IBlobStore store, CancellationToken cancellationToken)
    {
        List<string> files = [];
        foreach (BlobHash blob in features)
        {
            files.Add(await store.GetFileAsync(blob, cancellationToken));
        }

        return RoutedDocuments.Of(corpus, files, cancellationToken);
    }
}
