using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>Evaluates a run's latest model without changing the run.</summary>
/// <param name="folder">The run's folder.</param>
/// <param name="time">For progress.</param>
/// <param name="rounding">Measures the routed model once more with weights rounded so; null: not.</param>
internal sealed class RunEvaluation(string folder, TimeProvider time, IWeightRounding? rounding)
{
    // Positions of origins lie in [0, 1 − 2⁻⁵³]: practically every document of foreign text is a test document.
    private static readonly SplitFractions AllTest = new(0, Math.BitDecrement(1.0), 0);

    public async Task<EvaluationResult> EvaluateAsync(ImmutableArray<string> data, IRunObserver observer, CancellationToken cancellationToken)
    {
        using RunFolder run = RunFolder.OpenForReading(folder);
        RunConfig config = RunConfigJson.Deserialize(run.Info.Config.GetRawText());
        ModelFile model = ModelFile.ReadWhereDue(run.Paths, config) ?? throw new DiPaCoException(
            Retention.PhasesEnded(TaskJournal.ReadEntries(run.Paths.Folder)) > 0
                ? $"The run '{folder}' has no {ModelFile.FileName}, although phases of it have ended: it was deleted, or a repair set it aside. The run's 'dipaco train' command writes it anew."
                : $"The run '{folder}' has no model yet: its first phase has not ended. 'dipaco status' says how far it is.");
        string scratch = Directory.CreateTempSubdirectory("dipaco-eval-").FullName;
        try
        {
            IBlobStore store = new LayeredBlobStore(new FolderBlobStore(scratch), new FolderBlobStore(run.Paths.Blobs));
            using ComputeSetup setup = ComputeSetup.Of(config, time);
            StageFrame frame = new(observer, time);
            EvaluationSession session = new(config, model, store, setup.Executor, rounding);
            (ImmutableArray<BlobHash> chunks, ImmutableArray<BlobHash> features, long badRecords) = data.IsEmpty
                ? (model.Chunks, model.Features, 0)
                : await session.ReadAsync(CorpusSource.Open(config.Data, data, Path.GetFullPath), setup.Threads, frame, cancellationToken);
            return (await session.ScoreAsync(chunks, features, data, frame, cancellationToken)) with { BadRecords = badRecords };
        }
        finally
        {
            Directory.Delete(scratch, recursive: true);
        }
    }

    private sealed class EvaluationSession(RunConfig config, ModelFile model, IBlobStore store, ITaskExecutor executor, IWeightRounding? rounding)
    {
        private readonly ModelTopology _topology = ModelTopology.Create(config.Topology, model.Shape);
        private readonly SequenceInput _sequences = RunSession.TestSequencesOf(config);

        /// <summary>Foreign text to token chunks and features, into the scratch store.</summary>
        public async Task<(ImmutableArray<BlobHash> Chunks, ImmutableArray<BlobHash> Features, long BadRecords)> ReadAsync(
            IDocumentSource source, int threads, StageFrame frame, CancellationToken cancellationToken)
        {
            TextTokenizer tokenizer = TokenizerFile.Load(
                await store.ReadAllBytesAsync(model.Tokenizer, TokenizerFile.MaximumBytes, cancellationToken), config.Tokenizer.File ?? "the run's tokenizer");
            CorpusTokenizer chunker = new(tokenizer, new CorpusTokenizerOptions { Fractions = AllTest, Threads = threads });
            ImmutableArray<BlobHash>.Builder chunks = ImmutableArray.CreateBuilder<BlobHash>();
            ImmutableArray<BlobHash>.Builder features = ImmutableArray.CreateBuilder<BlobHash>();
            CorpusReport report = new($"Repair the files, or give records that have their text in '{config.Data.TextField}', as those of the run have (data.text_field).");
            frame.Begin(Stage.Tokens, 0, "documents");
            await foreach (TokenChunkBuilder chunk in chunker.TokenizeAsync(source.ReadAsync(report, cancellationToken), cancellationToken))
            {
                BlobHash blob = await store.PutAsync(chunk.WriteToAsync, cancellationToken);
                chunks.Add(blob);
                if (config.Routing.Method.UsesFeatures())
                {
                    TaskResult result = await executor.ExecuteAsync(
                        new FeaturesSpec(Dense(model.Base.Parameters), blob, config.Routing.PrefixTokens), store, null, cancellationToken);
                    features.Add(result[FeaturesSpec.Output]);
                }

                frame.Advance(report.Documents);
            }

            if (chunks.Count == 0)
            {
                throw new DiPaCoException($"There is no document in {source.Description}. Give text to evaluate on (--data).");
            }

            frame.End(string.Create(CultureInfo.InvariantCulture, $"{report.Documents:N0} documents of {source.Description}"));
            foreach (string note in BadRecordNotes.Of(report))
            {
                frame.Warn(note);
            }

            return (chunks.ToImmutable(), features.ToImmutable(), report.BadRecords);
        }

        public async Task<EvaluationResult> ScoreAsync(
            ImmutableArray<BlobHash> chunks, ImmutableArray<BlobHash> features, ImmutableArray<string> data,
            StageFrame frame, CancellationToken cancellationToken)
        {
            TaskResult sharded = await executor.ExecuteAsync(
                new ShardSpec(
                    model.Router, chunks, features, _topology.Paths, config.Routing.MinimumShare, config.Routing.PrefixTokens,
                    config.Recipe.LossOnPrefix), store, null, cancellationToken);
            ShardMetrics shards = JsonSerializer.Deserialize<ShardMetrics>(sharded.Metrics, TaskJson.Options)!;
            HeldOutMetrics scored = await ChooseAsync(chunks, data.IsEmpty ? config.Evaluation.MaxDocuments : 0, cancellationToken);
            int branches = config.Evaluation.ScoresEveryPath() ? PathScorer.BranchesOf(_topology).Length : 0;
            frame.Begin(Stage.Evaluation, scored.Documents * ((rounding is null ? 1 : 2) + model.DenseModels.Count() + branches), "documents");
            long done = 0;
            ImmutableArray<EvaluationRow>.Builder rows = ImmutableArray.CreateBuilder<EvaluationRow>();
            SortedDictionary<PathId, EvaluationMetrics> paths = await ScoredPathsAsync(PathOf);
            rows.Add(Row(ModelKind.Routed, model.Cost, Evaluator.Sum(paths.Values)));
            if (rounding is not null)
            {
                IReadOnlyDictionary<BlobHash, BlobHash> rounded = await RoundedAsync(shards.Paths.Where(size => size.TestDocuments > 0).Select(size => size.Path), cancellationToken);
                SortedDictionary<PathId, EvaluationMetrics> served = await ScoredPathsAsync(path => Rounded(PathOf(path), rounded));
                rows.Add(Row(ModelKind.RoutedRounded, model.Cost, Evaluator.Sum(served.Values)));
            }

            foreach (DenseModel dense in model.DenseModels)
            {
                rows.Add(Row(dense.Kind, TrainingCost.Of(dense), await ScoredAsync($"'{ModelNames.Of(dense.Kind, config.Topology)}'", Dense(dense.Parameters), chunks)));
            }

            RouterBoundsMetrics? bounds = null;
            if (config.Evaluation.ScoresEveryPath())
            {
                ScoredText text = new(model.Router, chunks, features, await EveryPathAsync(), _sequences);
                if (config.Evaluation.RouterBounds)
                {
                    bounds = Evaluator.BoundsOf(await executor.ExecuteAsync(text.Bounds, store, null, cancellationToken));
                    rows.AddRange(Evaluator.BoundRows(_topology, config.Topology, model.Cost, bounds));
                }

                rows.AddRange(await RerouteAsync(text, frame, cancellationToken));
            }

            frame.End($"{rows.Count} models");
            return new EvaluationResult
            {
                Name = config.Name,
                ModelDigest = model.ComputeDigest(),
                Data = data,
                Documents = scored.Documents,
                Evaluation = rows.ToImmutable(),
                Router = Evaluator.QualityOf(_topology, paths, bounds),
            };

            async Task<ImmutableArray<BlobHash>> EveryPathAsync()
            {
                PathScorer scorer = new(_topology, isParallel: false, async (spec, token) =>
                {
                    TaskResult result = await executor.ExecuteAsync(spec, store, frame.From(done), token);
                    done += scored.Documents;
                    return result;
                });
                return await scorer.RunAsync(
                    PathOf, new ScoreSpec([], chunks, model.Tokenizer, Split.Test, scored.LastRank, _sequences, config.Evaluation.LossCell()),
                    cancellationToken);
            }

            async Task<SortedDictionary<PathId, EvaluationMetrics>> ScoredPathsAsync(Func<PathId, PathInput> partOf)
            {
                SortedDictionary<PathId, EvaluationMetrics> byPath = [];
                foreach (ShardSize size in shards.Paths.Where(size => size.TestDocuments > 0))
                {
                    byPath[size.Path] = await ScoredAsync(
                        $"path {size.Path}", partOf(size.Path), [.. Enumerable.Range(0, size.Chunks).Select(chunk => sharded[ShardSpec.Output(size.Path, chunk)])]);
                }

                return byPath;
            }

            async Task<EvaluationMetrics> ScoredAsync(string what, PathInput part, ImmutableArray<BlobHash> own)
            {
                EvaluateSpec spec = new(part, own, model.Tokenizer, Split.Test, _sequences, scored.LastRank);
                TaskResult result = await RunSession.NamedAsync($"Evaluation of {what}", () => executor.ExecuteAsync(spec, store, frame.From(done), cancellationToken));
                EvaluationMetrics losses = JsonSerializer.Deserialize<EvaluationMetrics>(result.Metrics, TaskJson.Options)!;
                done += losses.Documents;
                return losses;
            }

            EvaluationRow Row(ModelKind kind, TrainingCost cost, EvaluationMetrics sum)
            {
                if (sum.Tokens == 0)
                {
                    throw new DiPaCoException("No document has a token after its routing prefix, so there is nothing to score. Give longer documents.");
                }

                EvaluationRow row = Evaluator.Row(kind, _topology, config.Topology, cost, sum);
                row = kind == ModelKind.RoutedRounded ? row with { Model = ModelNames.Rounded(rounding!, config.Topology) } : row;
                frame.Note(string.Create(CultureInfo.InvariantCulture, $"{row.Model}: perplexity {row.Perplexity:0.00}"));
                return row;
            }
        }

        /// <summary>Writes the rounded modules of paths into the scratch store; returns their blobs by those of the originals.</summary>
        private async Task<IReadOnlyDictionary<BlobHash, BlobHash>> RoundedAsync(IEnumerable<PathId> paths, CancellationToken cancellationToken)
        {
            Dictionary<BlobHash, BlobHash> rounded = [];
            foreach (PathId path in paths)
            {
                foreach ((ModuleDefinition module, ModuleInput input) in _topology.ModulesOf(path).Zip(PathOf(path).Modules))
                {
                    if (!rounded.ContainsKey(input.Blob))
                    {
                        float[] flat = new float[module.Layout.Length];
                        ModuleFile.Read(await store.GetFileAsync(input.Blob, cancellationToken), module.Layout, flat);
                        rounding!.Round(module.Layout, flat);
                        rounded[input.Blob] = await store.PutAsync(
                            (stream, _) =>
                            {
                                ModuleFile.Write(stream, module.Layout, flat);
                                return Task.CompletedTask;
                            },
                            cancellationToken);
                    }
                }
            }

            return rounded;
        }

        private async Task<ImmutableArray<EvaluationRow>> RerouteAsync(ScoredText text, StageFrame frame, CancellationToken cancellationToken)
        {
            if (config.Evaluation.UsesTokenRouter() && model.TokenRouters.IsEmpty)
            {
                frame.Warn("The run has no token router yet: it is trained in the run's own evaluation. Its rows are left out.");
            }

            PathInput baseModel = Dense(model.Base.Parameters);
            Rerouter rerouter = new(config, _topology, spec => executor.ExecuteAsync(spec, store, null, cancellationToken));
            ImmutableArray<EvaluationRow> rows = await rerouter.EvaluateAsync(
                text, baseModel, model.TokenRouters, model.Cost);
            foreach (EvaluationRow row in rows)
            {
                frame.Note(string.Create(CultureInfo.InvariantCulture, $"{row.Model}: perplexity {row.Perplexity:0.00}"));
            }

            return rows;
        }

        private async Task<HeldOutMetrics> ChooseAsync(ImmutableArray<BlobHash> chunks, int most, CancellationToken cancellationToken)
        {
            HeldOutSpec spec = new(chunks, Split.Test, _sequences.PrefixTokens, most);
            TaskResult chosen = await executor.ExecuteAsync(spec, store, null, cancellationToken);
            return JsonSerializer.Deserialize<HeldOutMetrics>(chosen.Metrics, TaskJson.Options)!;
        }

        private PathInput PathOf(PathId path)
        {
            ImmutableSortedDictionary<string, BlobHash> modules = model.Stopped.FirstOrDefault(stopped => stopped.Path == path)?.Modules ?? model.Modules;
            return new PathInput(
                model.Shape, config.Transformer.Compute,
                [.. _topology.ModulesOf(path).Select(module => new ModuleInput(module.Id, module.Layout.Parts, modules[module.Id.Name]))]);
        }

        private static PathInput Rounded(PathInput path, IReadOnlyDictionary<BlobHash, BlobHash> rounded) => path with
        {
            Compute = ComputeType.Fp32, Modules = [.. path.Modules.Select(module => module with { Blob = rounded[module.Blob] })],
        };

        private PathInput Dense(BlobHash blob) => DenseTrainer.ModelOf(model.Shape, config.Transformer.Compute, blob);
    }
}
