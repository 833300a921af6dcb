using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using Xunit;

namespace DiPaCo.Core.Tests.Planning;

public sealed class RunPlanTests
{
    // Tiny: 4 blocks of D = 128, 4 heads of 32, F = 352.
    private static double BlockFlops(int sequence) => (2.0 * ((4 * 128 * 128) + (3 * 128 * 352))) + (2 * 128 * sequence);

    private static double HeadFlops(int rows) => 2.0 * rows * 128;

    /// <summary>Nine paths, 2,000 documents of 500 tokens, a tenth of them kept for routers.</summary>
    private static ImmutableArray<PlannedStage> Routed(string rest, string evaluation = "") => PlanOf.Text(
        "data: { paths: demo, router_share: 0.1 }\n" + Recipe + "topology: { embedding: level, head: level, levels: [{ experts: 3 }, { experts: 3 }] }\n" + rest
            + $"evaluation: {{ {evaluation}max_documents: 0, dense_equal_steps: false }}",
        new PlanAssumptions { FlopsPerSecond = 1e9, Corpus = new PlannedCorpus(2_000, 1_000_000, 7.5, CorpusBasis.Counted) }).Stages;

    private const string Recipe =
        """
        size: tiny
        recipe: { base_steps: 10, phases: 3, inner_steps: 4, batch_sequences: 2 }
        transformer: { sequence_length: 64 }

        """;

    [Theory]
    [InlineData("fork", 12, 48)]
    [InlineData("scratch", 22, 58)]
    public void StepsOfAllParts_FollowTheRecipe(string start, long equalSteps, long equalFlops)
    {
        RunPlan plan = PlanOf.Text(Recipe + $"evaluation: {{ dense_equal_flops: true, dense_start: {start} }}");

        Assert.Equal(new StepCounts(Base: 10, Path: 12, Paths: 48, equalSteps, equalFlops), plan.Steps);
    }

    [Fact]
    public void WithOnePath_EqualFlopsAreEqualSteps()
    {
        RunPlan plan = PlanOf.Text(Recipe + "topology: { levels: [{ experts: 1 }] }\nevaluation: { dense_equal_flops: true }");

        Assert.Equal(new StepCounts(Base: 10, Path: 12, Paths: 12, DenseEqualSteps: 12, DenseEqualFlops: 0), plan.Steps);
    }

    [Fact]
    public void ADenseModelAtEqualFlops_CostsWhatTheRoutedModelCosts()
    {
        RunPlan plan = PlanOf.Text(Recipe + "evaluation: { dense_equal_flops: true, dense_start: scratch }");
        double Flops(string stage) => plan.Stages.Single(row => row.Name == stage).Flops;

        Assert.Equal(Flops("base model") + Flops("phases"), Flops("dense at equal FLOPs"), precision: 0);
    }

    [Fact]
    public void FlopsOfAStep_AreThoseOfItsMatricesAndItsCausalAttention()
    {
        RunPlan plan = PlanOf.Text(Recipe);
        PlannedStage stage = plan.Stages.Single(row => row.Name == "base model");

        // Tiny: 4 blocks of D = 128, 4 heads of 32, F = 352; V = 2,048. Causal attention has half of two T×T×D products.
        double matrices = (4.0 * ((4 * 128 * 128) + (3 * 128 * 352))) + (2_048 * 128);
        double attention = 4 * 2.0 * (64 / 2.0) * 128;
        double perToken = 3 * 2 * (matrices + attention);
        Assert.Equal(10 * 2 * 64, stage.Tokens);
        Assert.Equal(stage.Tokens * perToken, stage.Flops, precision: 0);
    }

    [Theory]
    [InlineData(1, 4)]
    [InlineData(3, 2)]
    [InlineData(9, 1)]
    public void MoreWorkers_ShortenThePhasesByWholeRounds(int workers, int rounds)
    {
        RunPlan plan = PlanOf.Text(Recipe, new PlanAssumptions { FlopsPerSecond = 1e9, Workers = workers });
        PlannedStage phases = plan.Stages.Single(row => row.Name == "phases");

        Assert.Equal(phases.Flops / 1e9 * rounds / 4, phases.Seconds!.Value, precision: 6);
        Assert.Equal(rounds * plan.PathParameters * 12, plan.Traffic.DownPerWorker);
        Assert.Equal(4 * plan.PathParameters * 12, plan.Traffic.UpTotal);
    }

    [Theory]
    [InlineData("download: bf16", 2, 2)]
    [InlineData("download: bf16, codec: bf16", 0, 2)]
    [InlineData("download: int8", 4, 5.03125)]
    [InlineData("download: int8, codec: int8", 4, 5.03125)]
    public void OuterSteps_ReadAndWriteThePublishedVersionsToo(string outer, int read, double written)
    {
        PlannedTraffic traffic = PlanOf.Text($"size: tiny\nouter: {{ {outer} }}").Traffic;
        string codec = outer.Contains("codec", StringComparison.Ordinal) ? outer[outer.IndexOf("codec", StringComparison.Ordinal)..] : "codec: fp32";
        RunPlan plain = PlanOf.Text($"size: tiny\nouter: {{ {codec} }}");
        long parameters = plain.Modules.Sum(module => module.Parameters);

        Assert.Equal(plain.Traffic.OuterDown + (read * parameters), traffic.OuterDown);
        Assert.Equal(plain.Traffic.OuterUp + (written * parameters), traffic.OuterUp, plain.Modules.Length);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 3, 3)]
    [InlineData(3, 3, 1)]
    [InlineData(4, 0, 0)]
    public void Folds_ReadWhatOuterStepsDoNot_AndCostTheirSums(int foldPaths, int folded, int folds)
    {
        // The embedding is shared by all four paths; nothing else is.
        const string levels = "topology: { embedding: shared, levels: [{ blocks: 4, experts: 4 }] }";
        RunPlan plan = PlanOf.Text($"size: tiny\n{levels}\nouter: {{ fold_paths: {foldPaths} }}");
        PlannedTraffic plain = PlanOf.Text($"size: tiny\n{levels}").Traffic;
        long parameters = plan.Modules.Single(module => module.Paths == 4).Parameters;

        Assert.All(plan.Modules, module => Assert.True(module.Paths is 1 or 4, module.Id.Name));
        Assert.Equal(plan.Modules.Sum(module => (8L + (4 * module.Paths)) * module.Parameters), plain.OuterDown);
        Assert.Equal(plan.Modules.Sum(module => 8 * module.Parameters), plain.OuterUp);
        Assert.Equal(plain.OuterDown + (((folds > 0 ? 8 : 0) - (4 * folded)) * parameters), plan.Traffic.OuterDown);
        Assert.Equal(plain.OuterUp, plan.Traffic.OuterUp);
        Assert.Equal(((4 * folds) + (8 * Math.Max(0, folds - 1)) + (4 * folded)) * parameters, plan.Traffic.FoldsDown);
        Assert.Equal(8 * folds * parameters, plan.Traffic.FoldsUp);
    }

    [Theory]
    [InlineData("fp32", 32)]
    [InlineData("bf16", 16)]
    [InlineData("int8", 8.25)]
    [InlineData("int4", 4.5)]
    public void ADownload_TakesTheBitsThatAreSaid(string download, double bits)
    {
        RunPlan plan = PlanOf.Text($"size: tiny\nouter: {{ download: {download} }}");

        Assert.Equal((long)(bits * plan.PathParameters / 8), plan.Traffic.ModulesDownPerPath);
        Assert.Equal(4 * plan.PathParameters, plan.Traffic.ModulesUpPerPath);
    }

    [Fact]
    public void PrivateModulesThatMakeNoOuterStep_TravelAsTheyAre()
    {
        RunPlan plan = PlanOf.Text("size: tiny\ntopology: { embedding: private }\nouter: { download: int8, private_modules: false }");
        long own = plan.Modules.Where(module => module.Paths == 1 && plan.Paths[0].Modules.Contains(module.Id)).Sum(module => module.Parameters);

        Assert.Equal((4 * own) + (long)(8.25 * (plan.PathParameters - own) / 8), plan.Traffic.ModulesDownPerPath);
    }

    [Theory]
    [InlineData("bf16", 18)]
    [InlineData("fp32", 16)]
    public void ParametersInTraining_TakeAtMost18BytesEach(string compute, long bytes)
    {
        RunPlan plan = PlanOf.Text($"size: tiny\ntransformer: {{ compute: {compute} }}");

        Assert.Equal(bytes * plan.PathParameters, plan.Memory.Total - plan.Memory.Activations);
    }

    [Fact]
    public void Activations_GrowWithTheMicroBatchOnly()
    {
        PlannedMemory Memory(string recipe) => PlanOf.Text($"size: tiny\nrecipe: {{ {recipe} }}").Memory;

        Assert.Equal(Memory("batch_sequences: 8, micro_batch_sequences: 8"), Memory("batch_sequences: 64, micro_batch_sequences: 8"));
        Assert.True(Memory("batch_sequences: 64, micro_batch_sequences: 16").Activations > Memory("batch_sequences: 64, micro_batch_sequences: 8").Activations);
    }

    [Fact]
    public void WhatIsKnownOfTheCorpus_DecidesFeaturesAndEvaluation()
    {
        RunPlan plan = PlanOf.Text(
            Recipe + "evaluation: { max_validation_documents: 10, max_documents: 0 }",
            new PlanAssumptions { Corpus = new PlannedCorpus(Documents: 2_000, Tokens: 1_000_000, SequencesPerDocument: 7.5, CorpusBasis.Counted) });

        Assert.Equal(["base model", "routing features", "phases", "dense at equal steps", "evaluation"], plan.Stages.Select(stage => stage.Name));
        Assert.Equal(2_000 * 32, plan.Stages[1].Tokens);

        // Three validations of ten documents, and 5 % of 2,000 documents under routed, base and dense model; 7.5 sequences of 64 tokens each.
        Assert.Equal(((3 * 10) + (3 * 100)) * 7.5 * 64, plan.Stages[^1].Tokens);
        Assert.Null(plan.TotalSeconds);
    }

    [Fact]
    public void AnUnknownCorpus_IsAsLargeAsWhatOnePathTrainsOn()
    {
        RunPlan plan = PlanOf.Text(Recipe + "evaluation: { max_validation_documents: 0, max_documents: 0 }");

        // 10 + 3 × 4 steps of 2 sequences.
        Assert.Equal(new PlannedCorpus(44, 44 * 64, 1, CorpusBasis.Assumed), plan.Corpus);
        Assert.Equal(44 * 32, plan.Stages.Single(stage => stage.Name == "routing features").Tokens);
        Assert.Equal((long)Math.Round(((3 * 0.02) + (3 * 0.05)) * 44 * 64), plan.Stages.Single(stage => stage.Name == "evaluation").Tokens);
    }

    [Theory]
    [InlineData(1, 3)]
    [InlineData(2, 2)]
    [InlineData(3, 1)]
    [InlineData(7, 1)]
    [InlineData(0, 0)]
    public void TheLastPhase_IsAlwaysValidated(int everyPhases, int validations)
    {
        RunPlan plan = PlanOf.Text(
            Recipe + $"evaluation: {{ every_phases: {everyPhases}, max_validation_documents: 10, max_documents: 10, dense_equal_steps: false }}",
            new PlanAssumptions { Corpus = new PlannedCorpus(2_000, 1_000_000, 1, CorpusBasis.Counted) });

        Assert.Equal(((validations * 10) + (2 * 10)) * 64, plan.Stages.Single(stage => stage.Name == "evaluation").Tokens);
    }

    [Fact]
    public void ALimitOnScoredDocuments_DoesNotDependOnThePaths()
    {
        RunPlan plan = PlanOf.Text(
            Recipe + "topology: { levels: [{ experts: 8 }, { experts: 8 }] }\nevaluation: { every_phases: 0, max_documents: 10, dense_equal_steps: false }",
            new PlanAssumptions { Corpus = new PlannedCorpus(20_000, 1_000_000, 1, CorpusBasis.Counted) });

        Assert.Equal(2 * 10 * 64, plan.Stages.Single(stage => stage.Name == "evaluation").Tokens);
    }

    [Fact]
    public void BoundsOfTheRouter_ScoreEveryTestDocumentUnderEveryPath()
    {
        RunPlan plan = PlanOf.Text(
            Recipe + "topology: { levels: [{ experts: 8 }, { experts: 8 }] }\nevaluation: { every_phases: 0, max_documents: 10, dense_equal_steps: false, router_bounds: true }",
            new PlanAssumptions { Corpus = new PlannedCorpus(20_000, 1_000_000, 1, CorpusBasis.Counted) });

        Assert.Equal(2 * 10 * 64, plan.Stages.Single(stage => stage.Name == "evaluation").Tokens);
        Assert.Equal(64 * 10 * 64, plan.Stages.Single(stage => stage.Name == "test split under every path").Tokens);
    }

    [Fact]
    public void WhereSomePathsTakePart_APhaseIsThatOfThose()
    {
        const string grid = "topology: { embedding: level, head: level, levels: [{ experts: 8 }, { experts: 8 }] }\n";
        PlanAssumptions workers = new() { Workers = 4, FlopsPerSecond = 1e12 };
        RunPlan all = PlanOf.Text(grid + Recipe, workers);
        RunPlan some = PlanOf.Text(grid + Recipe.Replace("recipe: {", "recipe: { paths_per_phase: 16,", StringComparison.Ordinal), workers);

        // Sixteen of 64 paths are four tasks for each of four workers instead of sixteen, and two paths meet in a module instead of eight.
        Assert.Equal((16, 64), (all.Traffic.TasksPerWorker, all.Traffic.Paths));
        Assert.Equal((4, 16), (some.Traffic.TasksPerWorker, some.Traffic.Paths));
        Assert.Equal(all.Traffic.DownTotal / 4, some.Traffic.DownTotal);
        Assert.Equal(all.Traffic.OuterUp, some.Traffic.OuterUp);
        Assert.Equal(all.Traffic.OuterDown - (6 * 4 * all.TotalParameters), some.Traffic.OuterDown);
        double Seconds(RunPlan plan) => plan.Stages.Single(stage => stage.Name == "phases").Seconds!.Value;
        Assert.Equal(Seconds(all) / 4, Seconds(some), 1e-9 * Seconds(all));
    }

    [Fact]
    public void LongerSequencesOfTheTest_RepeatThePrefixLessOften()
    {
        RunPlan plan = PlanOf.Text(
            Recipe + "evaluation: { every_phases: 0, max_documents: 10, dense_equal_steps: false, router_bounds: true, sequence_length: 256 }",
            new PlanAssumptions { Corpus = new PlannedCorpus(20_000, 1_000_000, 7, CorpusBasis.Counted) });
        PlannedStage Stage(string name) => plan.Stages.Single(row => row.Name == name);

        // Ten documents of seven sequences have 32 tokens of their own in each: 2,240, which are ten sequences of 224 and a prefix.
        Assert.Equal(2 * 10 * 256, Stage("evaluation").Tokens);
        Assert.Equal(2 * 10 * 256 * plan.Shape.ForwardFlopsPerToken(256), Stage("evaluation").Flops, 1);
        Assert.Equal(10 * 256 * plan.Paths.Length, Stage("test split under every path").Tokens);
    }

    [Fact]
    public void Routing_IsApartFromTrainingAndEvaluation()
    {
        RunPlan plan = PlanOf.Text(
            "data: { paths: demo, router_share: 0.01 }\n" + Recipe + "discriminative: { after_phases: [1] }\nevaluation: { router_bounds: true, reroute_windows: [64], token_router_steps: 5 }",
            new PlanAssumptions { Corpus = new PlannedCorpus(20_000, 1_000_000, 1, CorpusBasis.Counted) });

        Assert.Equal(
            ["routing features", "discriminative rounds", "router split under every path", "token router"],
            plan.Stages.Where(stage => stage.Work == PlannedWork.Routing).Select(stage => stage.Name));
        Assert.Equal(["base model", "phases", "dense at equal steps"], plan.Stages.Where(stage => stage.Work == PlannedWork.Training).Select(stage => stage.Name));
        Assert.Equal(plan.TotalFlops, plan.TrainingFlops + plan.RoutingFlops + plan.EvaluationFlops, 1e-9 * plan.TotalFlops);

        // A feature ends with the last block.
        TransformerShape shape = plan.Shape;
        double ofAToken = shape.ForwardFlopsPerToken(32) - (2.0 * shape.Vocabulary * shape.Width);
        Assert.Equal(20_000 * 32 * ofAToken, plan.Stages.Single(stage => stage.Name == "routing features").Flops, 1);
    }

    [Theory]
    [InlineData(5, 3 * (10 + 40))]
    [InlineData(1000, 3 * (10 + 400))]
    [InlineData(0, 3 * (10 + 400))]
    public void EarlyStopping_ScoresTheValidationDocumentsOfEveryPath(int perPath, int documents)
    {
        RunPlan plan = PlanOf.Text(
            Recipe.Replace("recipe: {", "recipe: { early_stopping: true,", StringComparison.Ordinal)
            + $"topology: {{ levels: [{{ experts: 8 }}] }}\nevaluation: {{ max_validation_documents: 10, max_documents: 10, dense_equal_steps: false, max_stopping_documents_per_path: {perPath} }}",
            new PlanAssumptions { Corpus = new PlannedCorpus(20_000, 1_000_000, 1, CorpusBasis.Counted) });

        Assert.Equal((documents + (2 * 10)) * 64, plan.Stages.Single(stage => stage.Name == "evaluation").Tokens);
    }

    [Fact]
    public void DiscriminativeRounds_ScoreTheRouterSplitUnderATreeOfPaths()
    {
        PlannedStage stage = Routed("discriminative: { after_phases: [1, 2], max_documents: 50 }\n").Single(row => row.Name == "discriminative rounds");

        // Two rounds of 50 documents of 7.5 sequences of 64 tokens, each under nine paths.
        Assert.Equal(2 * 50 * 7.5 * 64 * 9, stage.Tokens);

        // Three experts of two blocks, and on each of them three of two blocks with a head.
        Assert.Equal(3 + 9, stage.ModuleEvaluations);
        Assert.Equal(2 * 50 * 7.5 * 64 * ((3 * 2 * BlockFlops(64)) + (9 * ((2 * BlockFlops(64)) + HeadFlops(2_048)))), stage.Flops, precision: 0);
        Assert.Equal(stage.Flops / 1e9, stage.Seconds!.Value, precision: 6);

        // Prefix and rest of 50 documents under nine paths; the second round lets go of the first one's.
        Assert.Equal(50 * 2 * 9 * 4, stage.LossBytes);
    }

    [Fact]
    public void Rerouting_CostsScoringInCells_ATokenRouter_AndTheChoices()
    {
        ImmutableArray<PlannedStage> stages = Routed("", "reroute_windows: [16, 64], reroute_router: all, token_router_steps: 20, ");
        PlannedStage Stage(string name) => stages.Single(row => row.Name == name);

        Assert.Equal(
            ["base model", "routing features", "phases", "evaluation", "test split under every path", "router split under every path", "token router",
             "re-routing by the prefix router", "re-routing by the document router", "re-routing by the token router"],
            stages.Select(stage => stage.Name));

        // 100 documents of 500 tokens: 468 behind the prefix are 30 cells of 16.
        Assert.Equal(100 * 7.5 * 64 * 9, Stage("test split under every path").Tokens);
        Assert.Equal(100 * (1 + 30) * 9 * 4, Stage("test split under every path").LossBytes);
        Assert.Equal(12, Stage("test split under every path").ModuleEvaluations);

        // 200 documents, token by token.
        Assert.Equal(200 * 7.5 * 64 * 9, Stage("router split under every path").Tokens);
        Assert.Equal(200 * (1 + 468) * 9 * 4, Stage("router split under every path").LossBytes);

        // The router's head has a row for each of nine paths.
        PlannedStage training = Stage("token router");
        Assert.Equal((20, 20 * 2 * 64), (training.Steps, training.Tokens));
        Assert.Equal(20 * 2 * 64 * 3 * ((4 * BlockFlops(64)) + HeadFlops(9)), training.Flops, precision: 0);
        Assert.Equal(100 * 7.5 * 64 * ((4 * BlockFlops(64)) + HeadFlops(9)), Stage("re-routing by the token router").Flops, precision: 0);

        // 29 cells behind the first, for each the 32 tokens before it; a feature ends with the last block.
        Assert.Equal(100 * 29 * 32, Stage("re-routing by the prefix router").Tokens);
        Assert.Equal(100 * 29 * 32 * 4 * BlockFlops(32), Stage("re-routing by the prefix router").Flops, precision: 0);

        // The base model's pass over all of the text, once for the chunks before and once for all before.
        Assert.Equal(2 * 100 * 7.5 * 64, Stage("re-routing by the document router").Tokens);
        Assert.Equal(2 * 100 * 7.5 * 64 * 4 * BlockFlops(64), Stage("re-routing by the document router").Flops, precision: 0);
    }

    /// <summary>The losses of a document's prefix and 468 tokens under each of nine paths, and under 256.</summary>
    [Fact]
    public void MoreLossesThanARunCanKeep_AreAProblem_WithTheKeyThatLimitsThem()
    {
        Assert.DoesNotContain(Routed("discriminative: { after_phases: [1] }\n", "reroute_windows: [16], "), stage => stage.LossProblem is not null);

        PlannedStage Planned(string limit) => PlanOf.Text(
            "data: { paths: demo, router_share: 0.1 }\n" + Recipe + $"topology: {{ levels: [{{ experts: 16 }}, {{ experts: 16 }}] }}\nevaluation: {{ reroute_windows: [16], reroute_router: token{limit} }}",
            new PlanAssumptions { Corpus = new PlannedCorpus(100_000, 50_000_000, 7.5, CorpusBasis.Counted) })
            .Stages.Single(stage => stage.Name == "router split under every path");

        Assert.Equal(
            "about 1,200,640,000 losses of 10,000 documents under 256 paths are too many, 268,435,456 are possible: training would be refused. Expected evaluation.max_token_router_documents of about 2,235, or fewer paths (topology).",
            Planned("").LossProblem);
        Assert.Null(Planned(", max_token_router_documents: 2235").LossProblem);
        Assert.Equal(2_235 * 469.0 * 256 * 4, Planned(", max_token_router_documents: 2235").LossBytes);
        Assert.NotNull(Planned(", max_token_router_documents: 2236").LossProblem);
    }

    [Fact]
    public void CandidatesOfEachDocument_HaveRoomWherePathsHaveNot()
    {
        PlannedStage Planned(int candidates) => PlanOf.Text(
            "data: { paths: demo, router_share: 0.1 }\n" + Recipe + $"topology: {{ levels: [{{ experts: 16 }}, {{ experts: 16 }}] }}\ndiscriminative: {{ after_phases: [1], candidates: {candidates} }}",
            new PlanAssumptions { Corpus = new PlannedCorpus(10_000_000, 5_000_000_000, 7.5, CorpusBasis.Counted) })
            .Stages.Single(stage => stage.Name == "discriminative rounds");

        Assert.Contains("Expected discriminative.max_documents of about 524,288,", Planned(0).LossProblem, StringComparison.Ordinal);
        Assert.Contains("discriminative.max_documents", Planned(256).LossProblem, StringComparison.Ordinal);
        Assert.Null(Planned(4).LossProblem);
    }

    [Theory]
    [InlineData("", "", 0, 0, 0)]
    [InlineData("", "router_bounds: true, ", 1, 0, 0)]
    [InlineData("", "reroute_windows: [16], reroute_router: prefix, ", 1, 0, 1)]
    [InlineData("", "reroute_windows: [16], reroute_router: document, ", 1, 0, 1)]
    [InlineData("", "reroute_windows: [16], reroute_router: token, ", 1, 1, 1)]
    [InlineData("routing: { method: random }\n", "reroute_windows: [16], ", 1, 1, 1)]
    public void OnlyWhatIsConfigured_HasALine(string rest, string evaluation, int everyPath, int tokenRouters, int choosers)
    {
        ImmutableArray<PlannedStage> stages = Routed(rest, evaluation);

        Assert.Equal(0, stages.Count(stage => stage.Name == "discriminative rounds"));
        Assert.Equal(everyPath, stages.Count(stage => stage.Name == "test split under every path"));
        Assert.Equal(tokenRouters, stages.Count(stage => stage.Name == "token router"));
        Assert.Equal(tokenRouters, stages.Count(stage => stage.Name == "router split under every path"));
        Assert.Equal(choosers, stages.Count(stage => stage.Name.StartsWith("re-routing", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("embedding: level, levels: [{ experts: 1 }], replicas: 5", 1)]
    [InlineData("embedding: level, levels: [{ experts: 3 }, { experts: 4 }]", 3 + 12)]
    [InlineData("embedding: shared, levels: [{ experts: 3 }, { experts: 4 }]", 3 + 3 + 12)]
    [InlineData("embedding: private, levels: [{ experts: 3 }, { experts: 4 }]", 12 + 12 + 12)]
    public void PathsShareWhatTheyHaveInCommon_FromTheEmbeddingOn(string topology, long evaluations)
    {
        RunPlan plan = PlanOf.Text(Recipe + $"topology: {{ head: level, {topology} }}\nevaluation: {{ router_bounds: true }}");

        Assert.Equal(evaluations, plan.Stages.Single(stage => stage.Name == "test split under every path").ModuleEvaluations);
    }

    [Fact]
    public void TheFlopsOfAllParts_AreThoseOfTheTransformer()
    {
        TransformerShape shape = PlanOf.Text("size: small").Shape;

        Assert.Equal(
            shape.ForwardFlopsPerToken(128), TransformerPart.All(shape.Blocks).Sum(part => shape.ForwardFlopsPerToken(part, 128)), precision: 0);
    }

    [Fact]
    public void ATokenizerFile_BringsItsOwnVocabulary()
    {
        RunPlan plan = PlanOf.Text("size: tiny\ntokenizer: { file: t.json }", new PlanAssumptions { Vocabulary = 50_000 });

        Assert.Equal(50_000, plan.Shape.Vocabulary);
    }

    [Fact]
    public void APlan_IsJson()
    {
        using JsonDocument json = JsonDocument.Parse(JsonSerializer.Serialize(PlanOf.Text(Recipe), JsonSerializerOptions.Web));
        JsonElement module = json.RootElement.GetProperty("modules").EnumerateArray().Last();

        Assert.Equal("level2.expert1", module.GetProperty("id").GetString());
        Assert.Equal("blocks 2–3", module.GetProperty("parts").GetString());
        Assert.Equal(2, module.GetProperty("paths").GetInt32());
    }

    [Theory]
    [InlineData(ModelSize.Tiny, 7.2, 75)]
    [InlineData(ModelSize.Small, 3.2, 520)]
    public void TheTwoSizesOfTheDemo_FitTheirTimeOnTwoCores(ModelSize size, double sequencesPerDocument, double seconds)
    {
        // 190 GFLOP/s is half of the bf16 rate of two cores of the machine that the sizes were chosen on.
        RunConfig config = RunConfigLoader.Parse(ConfigTemplate.Write(size, ["demo"], "demo"), "demo.yaml").Config;
        RunPlan plan = RunPlan.Of(config, new PlanAssumptions
        {
            FlopsPerSecond = 190e9,
            Corpus = new PlannedCorpus(7_120, 5_800_000, sequencesPerDocument, CorpusBasis.Counted),
        });

        Assert.InRange(plan.TotalSeconds!.Value, 0.5 * seconds, seconds);
    }
}
