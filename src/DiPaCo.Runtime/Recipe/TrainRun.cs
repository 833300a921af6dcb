using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Recipe;

/// <summary>
/// The recipe of a run (paper Algorithm 1): a fixed program of tasks. Begun again after any interruption it walks the same way,
/// over remembered tasks first, and goes on where they end; the bytes are the same.
/// </summary>
internal sealed class TrainRun(
    RunSession session, ChatTemplateStage chatTemplate, CorpusStage corpusStage, FirstParameters first, Retention retention, RunFiles files)
{
    private readonly RunConfig _config = session.Config;

    /// <summary>The recipe of a run.</summary>
    /// <param name="session">The run.</param>
    /// <param name="source">Its text.</param>
    /// <param name="fileOf">Where a file or folder lies that the configuration names.</param>
    /// <param name="threads">Threads that tokenize; the bytes do not depend on it.</param>
    /// <param name="retention">What is let go of.</param>
    /// <param name="files">Where small files go that follow from the journal.</param>
    public static TrainRun Of(RunSession session, IDocumentSource source, Func<string, string> fileOf, int threads, Retention retention, RunFiles files) => new(
        session,
        ChatTemplateStage.Of(session, fileOf),
        new CorpusStage(session, source, session.Config.Tokenizer.File is { } tokenizer ? fileOf(tokenizer) : null, threads),
        new FirstParameters(session, session.Config.Recipe.BaseModel is { } checkpoint ? fileOf(checkpoint) : null),
        retention,
        files);

    public async Task<RunResults> ExecuteAsync(CancellationToken cancellationToken)
    {
        BlobHash? template = await chatTemplate.KeepAsync(cancellationToken);
        PreparedCorpus corpus = await corpusStage.PrepareAsync(cancellationToken) with { ChatTemplate = template };
        ModelTopology topology = ModelTopology.Create(_config.Topology, _config.ShapeFor(corpus.Summary.Vocabulary));
        ThrowIfFewerDocumentsThanPaths(corpus, topology);
        await ThrowIfScoringFailsAsync(corpus, topology.Paths.Length, cancellationToken);
        StepCounts steps = StepCounts.Of(_config, topology.Paths.Length);
        session.Observe(new StepsPlanned(steps.Base, steps.Paths, steps.DenseEqualSteps + steps.DenseEqualFlops));
        DenseTrainer dense = new(session, topology.Shape, corpus.Chunks, retention);

        BlobHash initial = await first.MakeAsync(topology.Shape, cancellationToken);
        DenseModel baseModel = await TrainBaseAsync(dense, initial, cancellationToken);
        ImmutableArray<BlobHash> origins = [.. corpus.Blobs, initial, baseModel.Parameters];
        await retention.ReleaseAsync("base", origins, cancellationToken);

        Sharder sharder = new(session, topology, corpus);
        ImmutableArray<BlobHash> features = [];
        if (_config.Routing.Method.UsesFeatures())
        {
            features = await session.StageAsync(Stage.Features, corpus.Summary.Documents, "documents", async () =>
                (await sharder.FeaturesAsync(dense.ModelOf(baseModel.Parameters), cancellationToken), $"{corpus.Summary.Documents:N0} documents"));
        }

        RoutedCorpus routed = await session.StageAsync(Stage.Shards, 2, "steps", async () =>
        {
            RoutedCorpus result = await sharder.ShardAsync(features, cancellationToken);
            return (result, Summarise(result));
        });

        ModelVersion fork = await ForkAsync(topology, baseModel, cancellationToken);
        await TokenizerCopy.WriteWhereMissingAsync(files.Paths, session.Store, corpus.Tokenizer, files.Steps, cancellationToken);
        PhaseLog log = await new PhaseLoop(session, topology, corpus, sharder, retention).RunAsync(
            fork, baseModel.Training, routed, origins,
            (log, isNew) =>
            {
                // Whoever deletes the file, or has it deleted by a repair, gets it back without waiting for another phase.
                if (isNew || !File.Exists(Path.Combine(files.Paths.Folder, ModelFile.FileName)))
                {
                    WriteModel(corpus, baseModel, log, []);
                }
            },
            cancellationToken);

        ImmutableArray<DenseModel> baselines = await new DenseBaselines(session, dense, steps)
            .TrainAsync(initial, baseModel, BaseSchedule, cancellationToken);
        await retention.ReleaseAsync(
            Retention.Dense,
            [.. origins, .. log.Kept, .. baselines.Select(baseline => baseline.Parameters)],
            cancellationToken);

        WriteModel(corpus, baseModel, log, baselines);
        Evaluator evaluator = new(session, topology, log.Routed, corpus);
        long scored = (2 + baselines.Length + evaluator.BranchesOf(_config.Evaluation)) * evaluator.DocumentsOf(Split.Test, _config.Evaluation.MaxDocuments);
        EvaluationOutcome evaluation = await session.StageAsync(Stage.Evaluation, scored, "documents", async () =>
        {
            EvaluationOutcome outcome = await EvaluateAsync(topology, corpus, evaluator, dense, baseModel, log, baselines, cancellationToken);
            return (outcome, $"perplexity {outcome.Rows[0].Perplexity:0.00}");
        });
        if (!evaluation.TokenRouters.IsEmpty)
        {
            WriteModel(corpus, baseModel, log, baselines, evaluation.TokenRouters);
        }

        await retention.ReleaseAsync(
            Retention.Last,
            [
                .. origins, .. log.Kept, .. baselines.Select(baseline => baseline.Parameters),
                .. evaluation.TokenRouters.Select(router => router.Blob),
            ],
            cancellationToken);

        ImmutableArray<TextSample> samples = await new Sampler(session, corpus.Tokenizer, log.Routed)
            .WriteAsync(log.Served, cancellationToken);
        Diagnostician diagnostician = new(session, topology);
        return Results(corpus, topology, log, evaluation, samples) with
        {
            Topics = await diagnostician.TopicsAsync(log.Routed, corpus.Tokenizer, cancellationToken),
            Drift = await diagnostician.DriftAsync(log.Model, baseModel.Parameters, cancellationToken),
        };
    }

    private LearningRateSchedule BaseSchedule => new(
        _config.Inner.BaseLearningRate, _config.Inner.BaseWarmupSteps, _config.Recipe.BaseSteps, _config.Inner.FinalShare);

    private Task<DenseModel> TrainBaseAsync(DenseTrainer dense, BlobHash initial, CancellationToken cancellationToken) =>
        session.StageAsync(Stage.Base, _config.Recipe.BaseSteps, "steps", async () =>
        {
            DenseModel model = await dense.TrainAsync(ModelKind.DenseBase, initial, [BaseSchedule], new StageCount(), cancellationToken);
            return (model, $"{model.Training.Steps:N0} steps, {model.Training.Tokens:N0} tokens");
        });

    private async Task<ModelVersion> ForkAsync(ModelTopology topology, DenseModel baseModel, CancellationToken cancellationToken)
    {
        ImmutableArray<TaskResult> cuts = await session.ForEachAsync(
            topology.Modules,
            (module, token) => session.Tasks.RunAsync(new ForkSpec(topology.Shape, baseModel.Parameters, module.Layout.Parts), null, token),
            cancellationToken);
        ImmutableSortedDictionary<ModuleId, BlobHash> modules = topology.Modules.Zip(cuts)
            .ToImmutableSortedDictionary(cut => cut.First.Id, cut => cut.Second[OuterSpec.ModuleOutput]);
        return new ModelVersion(
            new Phase(0), modules,
            ImmutableSortedDictionary<ModuleId, BlobHash>.Empty, ImmutableSortedDictionary<PathId, BlobHash>.Empty);
    }

    private async Task<EvaluationOutcome> EvaluateAsync(
        ModelTopology topology, PreparedCorpus corpus, Evaluator evaluator, DenseTrainer dense, DenseModel baseModel,
        PhaseLog log, ImmutableArray<DenseModel> baselines, CancellationToken cancellationToken)
    {
        int most = _config.Evaluation.MaxDocuments;
        IReadOnlyDictionary<PathId, EvaluationMetrics> paths = await evaluator.RoutedAsync(log.Served, Split.Test, most, cancellationToken);
        EvaluationMetrics scored = Evaluator.Sum(paths.Values);
        ThrowIfNothingScored(scored);
        ImmutableArray<EvaluationRow>.Builder rows = ImmutableArray.CreateBuilder<EvaluationRow>();
        TrainingCost cost = new(TrainingOf(topology, baseModel, log), log.Routed.Flops);
        rows.Add(Evaluator.Row(ModelKind.Routed, topology, _config.Topology, cost, scored));
        foreach (DenseModel model in baselines.Add(baseModel))
        {
            EvaluationMetrics losses = await evaluator.DenseAsync(model.Kind, dense.ModelOf(model.Parameters), Split.Test, most, cancellationToken);
            rows.Add(Evaluator.Row(model.Kind, topology, _config.Topology, TrainingCost.Of(model), losses));
        }

        ImmutableArray<TrainedTokenRouter> tokenRouters = [];
        RouterBoundsMetrics? bounds = null;
        if (_config.Evaluation.ScoresEveryPath())
        {
            ImmutableArray<BlobHash> losses = await evaluator.EveryPathAsync(log.Served, _config.Evaluation.LossCell(), most, cancellationToken);
            ScoredText text = new(log.Routed.Router, corpus.Chunks, log.Routed.Features, losses, session.TestSequences);
            if (_config.Evaluation.RouterBounds)
            {
                bounds = Evaluator.BoundsOf(await session.Tasks.RunAsync(text.Bounds, null, cancellationToken));
                rows.AddRange(Evaluator.BoundRows(topology, _config.Topology, cost, bounds));
            }

            PathInput features = dense.ModelOf(baseModel.Parameters);
            tokenRouters = await new TokenRouterTrainer(session, topology, corpus, evaluator).TrainAsync(log.Served, features, cancellationToken);
            rows.AddRange(await new Rerouter(_config, topology, spec => session.Tasks.RunAsync(spec, null, cancellationToken)).EvaluateAsync(
                text, features, tokenRouters, cost));
        }

        return new EvaluationOutcome(rows.ToImmutable(), Evaluator.QualityOf(topology, paths, bounds), tokenRouters);
    }

    /// <summary>What was trained for the routed model so far: the steps of one path, with the tokens and FLOPs of all.</summary>
    private static TrainMetrics TrainingOf(ModelTopology topology, DenseModel baseModel, PhaseLog log) =>
        baseModel.Training + (log.Training with { Steps = log.Training.Steps / topology.Paths.Length });

    private void WriteModel(
        PreparedCorpus corpus, DenseModel baseModel, PhaseLog log, ImmutableArray<DenseModel> baselines, ImmutableArray<TrainedTokenRouter> tokenRouters = default)
    {
        ServedModel served = log.Served;
        ModelFile model = new()
        {
            PhasesDone = log.Model.Phase.Value,
            ModelDigest = served.Digest,
            Shape = served.Topology.Shape,
            Modules = log.Model.Modules.ToImmutableSortedDictionary(module => module.Key.Name, module => module.Value, StringComparer.Ordinal),
            Stopped = served.StoppedPaths,
            Training = TrainingOf(served.Topology, baseModel, log),
            RoutingFlops = log.Routed.Flops,
            Base = baseModel,
            Tokenizer = corpus.Tokenizer,
            ChatTemplate = corpus.ChatTemplate,
            Router = log.Routed.Router,
            Chunks = corpus.Chunks,
            Features = log.Routed.Features,
            Baselines = baselines,
            TokenRouters = tokenRouters.IsDefault ? [] : tokenRouters,
            Validation = [.. log.Validation],
        };
        model.Write(files.Paths, files.Steps);
    }

    private RunResults Results(
        PreparedCorpus corpus, ModelTopology topology, PhaseLog log,
        EvaluationOutcome evaluation, ImmutableArray<TextSample> samples) => new()
        {
            Name = _config.Name,
            ModelDigest = log.Served.Digest,
            ConfigurationYaml = session.ConfigurationYaml,
            Corpus = corpus.Summary,
            Model = ModelSummary.Of(topology),
            Shards = [.. log.Routed.Sizes.Select(size => new ShardSummary(size.Path, size.TrainDocuments, size.TrainTokens, size.Sources))],
            Evaluation = evaluation.Rows,
            Router = evaluation.Router,
            Validation = [.. log.Validation],
            OuterGradients = [.. log.OuterGradients],
            Samples = samples,
        };

    private static string Summarise(RoutedCorpus routed)
    {
        IEnumerable<long> documents = routed.Sizes.Select(size => size.TrainDocuments);
        return $"{routed.Sizes.Length} shards of {documents.Min():N0} to {documents.Max():N0} documents";
    }

    private void ThrowIfFewerDocumentsThanPaths(PreparedCorpus corpus, ModelTopology topology)
    {
        if (corpus.UsableTrain < topology.Paths.Length)
        {
            string text = _config.Data.Paths is [string only] ? only : $"the {_config.Data.Paths.Length:N0} paths of data.paths";
            throw new DiPaCoException(
                $"Too few documents to train on in {text} are longer than the routing prefix of {_config.Routing.PrefixTokens} tokens: {corpus.UsableTrain}, of {corpus.Summary.Documents} in all; "
                + $"the model has {topology.Paths.Length} paths, each of which needs a shard. "
                + "Add documents, shorten the prefix (routing.prefix_tokens), or give the model fewer paths (topology).");
        }
    }

    /// <summary>Before anything is trained: documents are scored under every path in the middle of a run, or at its end.</summary>
    private async Task ThrowIfScoringFailsAsync(PreparedCorpus corpus, int paths, CancellationToken cancellationToken)
    {
        bool learns = !_config.Discriminative.AfterPhases.IsEmpty || _config.Evaluation.UsesTokenRouter();
        if (!learns && !_config.Evaluation.ScoresEveryPath())
        {
            return;
        }

        int prefix = _config.Routing.PrefixTokens;
        using TokenCorpus tokens = await TokenFiles.OpenAsync(corpus.Chunks, session.Store, cancellationToken);
        if (learns && HeldOutRank.Documents(tokens, Split.Router, prefix, HeldOutRank.All).Length == 0)
        {
            throw new DiPaCoException(
                $"No document of the router split is longer than the prefix of {prefix} tokens, so no router can learn from the paths (discriminative.after_phases, evaluation.reroute_router). "
                + "Give more or longer documents, or a larger data.router_share.");
        }

        new ScoringLimits(_config, tokens, paths).Check();
    }

    private static void ThrowIfNothingScored(EvaluationMetrics scored)
    {
        if (scored.Tokens == 0)
        {
            throw new DiPaCoException(
                "No document of the test split has a token after its routing prefix, so there is nothing to evaluate. "
                + "Give more or longer documents, a larger data.test_share, or a smaller routing.prefix_tokens.");
        }
    }
}
