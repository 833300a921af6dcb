using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cli.Tests.Support;

/// <summary>A run as it could have been: results and metrics that look like those of a real one.</summary>
internal static class SampleRun
{
    public const string Digest = "3f1c9a52d0b7e6842f5a1c0de98b7364a5cf02be71d34896e0fa2b9c5d7184ab";

    private static readonly string[] Sources =
        ["System.Net.Http", "System.Collections.Generic", "Microsoft.AspNetCore.Mvc", "System.Linq", "System.Security.Cryptography",
        "System.Windows.Forms", "System.Text.Json", "System.Threading.Tasks", "System.Reflection.Metadata", "System.IO.Compression"];

    public static MachineSummary Machine { get; } = new()
    {
        Cores = 2,
        Threads = 2,
        Simd = "AVX-512, AMX",
        Device = "cpu",
        Compute = ComputeType.Bf16,
        MatrixFlopsPerSecond = 1.3e12,
    };

    public static RunResults Results(int paths = 4) => new()
    {
        Name = "demo",
        ModelDigest = Digest,
        ConfigurationYaml = ConfigurationYaml,
        Corpus = new CorpusSummary(9_214, 11_483_201, 2_713_400, 8_192, 8_731, 138, 276, 69, 3),
        Model = new ModelSummary(paths, 2 + (2 * (int)Math.Sqrt(paths)), 1_412_096, 2_310_144),
        Shards = [.. Enumerable.Range(0, paths).Select(Shard)],
        Evaluation = [Row(ModelKind.Routed, $"DiPaCo {Math.Sqrt(paths):0}×{Math.Sqrt(paths):0}, routed", paths, 61.82), Row(ModelKind.DenseEqualSteps, "dense, equal steps", 1, 88.41), Row(ModelKind.DenseEqualFlops, "dense, equal FLOPs", 1, 66.90)],
        Router = paths > 1 ? new RouterQuality(412, 0.93 * Math.Log2(paths), 0.93, 0.61) : null,
        Validation = [.. Enumerable.Range(0, 8).Select(phase => new PhaseValidation(new Phase(phase), 60 + (70 * Math.Exp(-phase / 2.5))))],
        OuterGradients = [.. Enumerable.Range(0, 16).Select(i => new OuterGradient(
            new ModuleId($"level0.expert{i % 2}"), new Phase(i / 2), 2, 0.4, 0.7, 0.3 - (0.01 * i)))],
        Topics = [.. Enumerable.Range(0, paths).Select(path => new ShardTopics(
            new PathId(path), Shard(path).Sources, [new Topic(" stream", 9.1, 300), new Topic("buffer", 7.4, 120 + path)]))],
        Drift =
        [
            new LevelDrift(
                [new ModuleId("level0.expert0"), new ModuleId("level0.expert1")], [0.11, 0.13], [0, 0.17, 0.17, 0], [1, -0.2, -0.2, 1]),
        ],
        Samples = [Sample(0), Sample(2), Sample(null)],
        Machine = Machine,
        Timings =
        [
            new StageTime(Stage.Tokenizer, TimeSpan.FromSeconds(12.3)), new StageTime(Stage.Tokens, TimeSpan.FromSeconds(4.1)),
            new StageTime(Stage.Base, TimeSpan.FromSeconds(48)), new StageTime(Stage.Features, TimeSpan.FromSeconds(6.5)),
            new StageTime(Stage.Shards, TimeSpan.FromSeconds(1.2)), new StageTime(Stage.Phases, TimeSpan.FromSeconds(311)),
            new StageTime(Stage.Dense, TimeSpan.FromSeconds(82)), new StageTime(Stage.Evaluation, TimeSpan.FromSeconds(19)),
        ],
    };

    public static RunStatus Status() => new()
    {
        Name = "demo",
        State = RunState.Stopped,
        Stage = Stage.Phases,
        PhasesDone = 5,
        Phases = 8,
        ModelDigest = Digest,
        Model = Results().Model,
        Validation = [.. Results().Validation.Take(5)],
    };

    /// <summary>Losses that fall as a real run's do, with noise.</summary>
    public static IEnumerable<StepMetric> Metrics(int paths = 4)
    {
        RandomStream noise = new(1, "sample-run");
        for (int step = 1; step <= 200; step++)
        {
            yield return Metric(Stage.Base, null, null, step, 5.1 + (3.9 * Math.Exp(-step / 40.0)), noise);
        }

        for (int path = 0; path < paths; path++)
        {
            for (int step = 1; step <= 400; step++)
            {
                yield return Metric(Stage.Phases, new PathId(path), new Phase((step - 1) / 50), step, 4.1 + (0.07 * path) + (0.9 * Math.Exp(-step / 120.0)), noise);
            }
        }

        for (int step = 1; step <= 400; step++)
        {
            yield return Metric(Stage.Dense, null, null, step, 4.5 + (0.6 * Math.Exp(-step / 150.0)), noise) with { Baseline = ModelKind.DenseEqualSteps };
        }
    }

    /// <summary>A run's folder with results and metrics.</summary>
    public static void WriteTo(string folder, RunResults results, int paths = 4)
    {
        Directory.CreateDirectory(folder);
        ResultsFile.Write(folder, results);
        File.WriteAllLines(new RunPaths(folder).Metrics, Metrics(paths).Select(metric => metric.ToLine()));
    }

    /// <summary>The events of a short run.</summary>
    public static IEnumerable<RunEvent> Events()
    {
        yield return new MachineFound(Machine);
        yield return new StageStarted(Stage.Tokenizer, 9_214, "documents");
        yield return new StageAdvanced(Stage.Tokenizer, 9_214, Reused: false);
        yield return new RunNote("3 of 9,217 lines could not be read: docs.jsonl line 17: not JSON", IsWarning: true);
        yield return new StageFinished(Stage.Tokenizer, TimeSpan.FromSeconds(12.3), "8,192 entries, 4.2 bytes per token");
        yield return new StageStarted(Stage.Phases, 24, "steps");
        int done = 0;
        for (int phase = 0; phase < 3; phase++)
        {
            for (int path = 0; path < 4; path++)
            {
                for (int step = 1; step <= 2; step++)
                {
                    yield return new StepMade(
                        Stage.Phases, new PathId(path), new Phase(phase), (2 * phase) + step, 5.0 - (0.05 * done), 1e-3, 0.8, 4096, 3.5e10,
                        TimeSpan.FromSeconds(0.05), TimeSpan.Zero);
                    yield return new StageAdvanced(Stage.Phases, ++done, Reused: false);
                }
            }

            yield return new PhaseFinished(
                new Phase(phase), 3, 4.9 - (0.2 * phase), 130.0 - (20 * phase),
                new PhaseLedger(new Phase(phase), Paths: 4, Steps: 8, Sequences: 64, Tokens: 32768, LostSteps: 0, DuplicatedSteps: 0));
        }

        yield return new StageFinished(Stage.Phases, TimeSpan.FromSeconds(95), "3 phases on 4 paths, loss 4.5");
    }

    private static StepMetric Metric(Stage stage, PathId? path, Phase? phase, int step, double loss, RandomStream noise) => new()
    {
        Stage = stage,
        Path = path,
        Phase = phase,
        Step = step,
        Loss = loss + (0.08 * noise.NextGaussian()),
        LearningRate = 1e-3,
        GradientNorm = 0.7,
        Tokens = 4096,
        Seconds = 0.05,
    };

    private static ShardSummary Shard(int path)
    {
        long documents = 1_400 + (437L * path * (7 - path) % 2_100);
        ImmutableArray<SourceCount> sources = [.. Enumerable.Range(0, 5).Select(i => new SourceCount(Sources[(path * 3 + i) % Sources.Length], documents / (2 + (2 * i))))];
        return new ShardSummary(new PathId(path), documents, documents * 294, sources);
    }

    private static EvaluationRow Row(ModelKind kind, string model, int paths, double perplexity) => new()
    {
        Kind = kind,
        Model = model,
        Paths = paths,
        ParametersPerPath = 1_412_096,
        ParametersTotal = paths == 1 ? 1_412_096 : 2_310_144,
        Steps = 600,
        TrainingTokens = paths == 1 ? 2_457_600 : 7_372_800,
        TrainingFlops = paths == 1 ? 2.4e13 : 7.2e13,
        Perplexity = perplexity,
        PerplexityWithPrefix = perplexity * 1.12,
        BitsPerByte = Math.Log2(perplexity * 1.12) / 4.2,
        ScoredTokens = 71_302,
    };

    private static TextSample Sample(int? path) => new(
        path is { } id ? new PathId(id) : null,
        path == 0 ? "System.Net.Http" : "System.Collections.Generic",
        path == 0
            ? "Sends an HTTP request as an asynchronous operation. The operation will not block. The returned"
            : "Removes the element at the specified index of the list. Elements that follow the removed",
        path == 0
            ? " task object completes after the whole response, content included, is read. The request message was already sent by the client instance, or the request failed due to an underlying issue such as network connectivity."
            : " element move up to occupy the vacated spot, and the indexes of the elements are also updated. This method is an O(n) operation, where n is the number of elements.");

    private const string ConfigurationYaml = """
        name: demo
        size: small
        seed: 1  # from size: small
        data:
          paths: [demo]
          validation_share: 0.015  # from size: small
        topology:
          levels:
            - { blocks: 2, experts: 2 }
            - { blocks: 2, experts: 2 }
          embedding: shared
        recipe:
          base_steps: 200
          phases: 8
          inner_steps: 50
        """;
}
