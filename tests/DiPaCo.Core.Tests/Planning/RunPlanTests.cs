using System.Text.Json;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using Xunit;

namespace DiPaCo.Core.Tests.Planning;

public sealed class RunPlanTests
{
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

        Assert.Equal((2 + 64) * 10 * 64, plan.Stages.Single(stage => stage.Name == "evaluation").Tokens);
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
