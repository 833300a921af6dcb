using System.Text;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.RunHost;
using DiPaCo.Runtime.Recipe;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Support;
using TorchSharp;
using Xunit;

namespace DiPaCo.Runtime.Tests.Runs;

public sealed class EvaluationTests(ReferenceRun reference) : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void Perplexities_AreThoseOfTokenLosses_SummedDocumentByDocument() => AssertTable(reference.Results, reference.View);

    [Fact]
    public async Task LongerSequences_AreForTheTestDocuments_UnderEveryModel_AndForNothingElse()
    {
        int length = (2 * reference.View.Config.Transformer.SequenceLength) + 5;

        RunResults results = await _runs.TrainAsync("run", _runs.Config with { Evaluation = _runs.Config.Evaluation with { SequenceLength = length } });

        AssertTable(results, new RunView(_runs.File("run")));
        Assert.Equal(reference.Results.ModelDigest, results.ModelDigest);
        Assert.Equal(reference.Results.Validation, results.Validation);
        Assert.All(results.Evaluation.Zip(reference.Results.Evaluation), pair =>
        {
            Assert.Equal(pair.Second.ScoredTokens, pair.First.ScoredTokens);
            Assert.NotEqual(pair.Second.Perplexity, pair.First.Perplexity);
        });
        EvaluationResult again = await new RunEngine(TimeProvider.System).EvaluateAsync(_runs.File("run"), [], new SilentObserver(), CancellationToken.None);
        Assert.Equal(results.Evaluation, again.Evaluation);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public async Task EvaluatingAgain_GivesTheSameTable_AndLeavesTheRunAlone(int maxDocuments)
    {
        RunResults results = reference.Results;
        string folder = reference.Folder;
        if (maxDocuments > 0)
        {
            results = await _runs.TrainAsync("run", _runs.Config with { Evaluation = _runs.Config.Evaluation with { MaxDocuments = maxDocuments } });
            folder = _runs.File("run");
        }

        string[] before = Directory.GetFiles(folder, "*", SearchOption.AllDirectories);
        EvaluationResult again = await new RunEngine(TimeProvider.System).EvaluateAsync(folder, [], new SilentObserver(), CancellationToken.None);

        Assert.Equal(results.Evaluation, again.Evaluation);
        Assert.Equal(results.Router, again.Router);
        Assert.Equal(results.ModelDigest, again.ModelDigest);
        Assert.Equal(before, Directory.GetFiles(folder, "*", SearchOption.AllDirectories));
        Assert.True(maxDocuments == 0 || again.Evaluation[0].ScoredTokens < reference.Results.Evaluation[0].ScoredTokens);
    }

    [Fact]
    public void TheRoutersNumbers_AreThoseOfTheTestDocumentsInTheShards()
    {
        RunView run = reference.View;
        List<PathId> pathOf = [];
        foreach (PathId path in run.Topology.Paths)
        {
            using TokenCorpus shard = TokenCorpus.Open([.. run.ShardOf(path).Select(run.FileOf)]);
            pathOf.AddRange(shard.Documents(Split.Test).Select(_ => path));
        }

        double naive = pathOf.Average(path => -Math.Log2(pathOf.Count(other => other == path) / (double)pathOf.Count));
        RouterQuality quality = reference.Results.Router!;
        Assert.Equal(pathOf.Count, quality.Documents);
        Assert.Equal(naive, quality.Entropy, 1e-9);
        Assert.Equal(naive / Math.Log2(4), quality.EntropyShare!.Value, 1e-9);
        Assert.Null(quality.OracleAgreement);
    }

    [Fact]
    public async Task EveryTopology_ScoresTheSameDocuments()
    {
        RunConfig grid = _runs.Config with { Evaluation = _runs.Config.Evaluation with { MaxDocuments = 7, MaxValidationDocuments = 5 } };
        RunConfig flat = grid with
        {
            Topology = _runs.Config.Topology with { Embedding = Sharing.Level, Levels = [new LevelOptions { Blocks = 3, Sharing = Sharing.Private }], Replicas = 3 },
        };

        RunResults ofGrid = await _runs.TrainAsync("grid", grid);
        RunResults ofFlat = await _runs.TrainAsync("flat", flat);

        Assert.Single(ofGrid.Evaluation.Concat(ofFlat.Evaluation).Select(row => row.ScoredTokens).Distinct());
        Assert.Equal(ofGrid.Evaluation[^1], ofFlat.Evaluation[^1] with { ParametersPerPath = ofGrid.Evaluation[^1].ParametersPerPath });
        Assert.NotEqual(ofGrid.Evaluation[0].Perplexity, ofFlat.Evaluation[0].Perplexity);
    }

    [Fact]
    public async Task ForeignText_IsScoredWhole_ByTheSameRouterAndPaths()
    {
        string text = _runs.File("foreign.jsonl");
        await File.WriteAllLinesAsync(text, SmallCorpus.Lines(50, seed: 7));

        EvaluationResult result = await new RunEngine(TimeProvider.System).EvaluateAsync(reference.Folder, [text], new SilentObserver(), CancellationToken.None);

        Assert.Equal(50, result.Documents);
        Assert.Equal([text], result.Data);
        Assert.Single(result.Evaluation.Select(row => row.ScoredTokens).Distinct());

        // New documents in the languages that were learned are about as hard as the test split.
        Assert.All(result.Evaluation.Zip(reference.Results.Evaluation), pair =>
            Assert.InRange(pair.First.Perplexity, 0.7 * pair.Second.Perplexity, 1.4 * pair.Second.Perplexity));
    }

    [Fact]
    public async Task BadRecordsOfForeignText_AreCounted_AndNamed()
    {
        string text = _runs.File("foreign.jsonl");
        await File.WriteAllLinesAsync(text, [.. SmallCorpus.Lines(1200, seed: 7), "no record"]);
        EventLog events = new();

        EvaluationResult result = await new RunEngine(TimeProvider.System).EvaluateAsync(reference.Folder, [text], events, CancellationToken.None);

        Assert.Equal((1200, 1), (result.Documents, result.BadRecords));
        string[] warnings = [.. events.Of<RunNote>().Where(note => note.IsWarning).Select(note => note.Text)];
        Assert.Equal(2, warnings.Length);
        Assert.StartsWith($"{text}:1201: ", warnings[0], StringComparison.Ordinal);
        Assert.Equal("1 bad record was left out.", warnings[1]);
    }

    [Fact]
    public async Task RunWithoutAValidationSplit_HasNoLossesDuringTraining_AndTheTableAllTheSame()
    {
        RunResults results = await _runs.TrainAsync("run", _runs.Config with { Data = _runs.Config.Data with { ValidationShare = 0 } });

        Assert.Empty(results.Validation);
        Assert.Equal(3, results.Evaluation.Length);
        Assert.All(results.Evaluation, row => Assert.True(double.IsFinite(row.Perplexity)));
    }

    [Fact]
    public async Task UnfinishedRun_IsEvaluatedAsFarAsItIs_AndSaysWhatThatTook()
    {
        Assert.True(await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is PhaseFinished { Phase.Value: 0 }));

        EvaluationResult result = await new RunEngine(TimeProvider.System).EvaluateAsync(_runs.File("run"), [], new SilentObserver(), CancellationToken.None);

        EvaluationRow routed = result.Evaluation[0];
        EvaluationRow start = result.Evaluation[1];
        EvaluationRow finished = reference.Results.Evaluation[0];
        Assert.Equal([ModelKind.Routed, ModelKind.DenseBase], result.Evaluation.Select(row => row.Kind));
        Assert.Equal(reference.Results.Evaluation[^1], start);
        Assert.Equal((4, 4 + 2), (start.Steps, routed.Steps));

        // Four paths made two of their four steps each.
        Assert.InRange(routed.TrainingTokens, start.TrainingTokens + 1, finished.TrainingTokens - 1);
        Assert.InRange(routed.TrainingFlops, start.TrainingFlops + 1, finished.TrainingFlops - 1);
    }

    [Fact]
    public async Task RunWithoutAModel_CannotBeEvaluatedYet()
    {
        await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is StageFinished { Stage: Stage.Base });

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() =>
            new RunEngine(TimeProvider.System).EvaluateAsync(_runs.File("run"), [], new SilentObserver(), CancellationToken.None));

        Assert.Contains("its first phase has not ended", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("model.json", "\"width\": 32", "\"width\": 2147483616", "its shape is not that of the run's configuration")]
    [InlineData("model.json", "\"blocks\": 3", "\"blocks\": 2000000000", "its shape is not that of the run's configuration")]
    [InlineData("model.json", "\"vocabulary\": 320", "\"vocabulary\": 2147483647", "With the 2,147,483,647 entries of the tokenizer")]
    [InlineData("model.json", "\"vocabulary\": 320", "\"vocabulary\": -1", "its shape is not that of the run's configuration")]
    [InlineData("model.json", "\"level1.expert0\"", "\"level1.expert7\"", "its modules are not those of the run's topology")]
    [InlineData("run.json", "\"width\": 32", "\"width\": 2147483616", "transformer.width: found '2147483616', expected")]
    [InlineData("run.json", "\"micro_batch_sequences\": 2", "\"micro_batch_sequences\": 2000000000", "recipe.micro_batch_sequences: found '2000000000', expected")]
    public async Task SizesThatNoRunHas_AreRefusedBeforeAnythingIsAllocated(string name, string sound, string stored, string problem)
    {
        string folder = Directory.CreateDirectory(_runs.File("run")).FullName;
        string model = await File.ReadAllTextAsync(Path.Combine(reference.Folder, "model.json"));
        await File.WriteAllTextAsync(Path.Combine(folder, "model.json"), name == "model.json" ? Changed(model) : model);
        RunInfo info = RunInfo.Parse("run.json", await File.ReadAllBytesAsync(Path.Combine(reference.Folder, "run.json")));
        string config = RunConfigJson.Serialize(RunConfigJson.Deserialize(info.Config.GetRawText()));

        // With the hash that belongs to it: whoever changes the file can do that too.
        RunInfo changed = RunInfo.Of(info.CreatedBy, JsonSerializer.Deserialize<JsonElement>(name == "run.json" ? Changed(config) : config));
        await File.WriteAllBytesAsync(Path.Combine(folder, "run.json"), changed.ToJson());

        DiPaCoException refusal = await Assert.ThrowsAsync<DiPaCoException>(() =>
            new RunEngine(TimeProvider.System).EvaluateAsync(folder, [], new SilentObserver(), CancellationToken.None));
        DiPaCoException alsoInStatus = await Assert.ThrowsAsync<DiPaCoException>(() => RunEngine.StatusAsync(folder, CancellationToken.None));

        Assert.Contains(problem, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(refusal.Message, alsoInStatus.Message);

        string Changed(string text)
        {
            Assert.Contains(sound, text, StringComparison.Ordinal);
            return text.Replace(sound, stored, StringComparison.Ordinal);
        }
    }

    private void AssertTable(RunResults results, RunView run)
    {
        AssertRow(results.Evaluation[0], Score(run, path => new PathInput(
            run.Topology.Shape, ComputeType.Fp32,
            [.. run.Topology.ModulesOf(path).Select(module => new ModuleInput(module.Id, module.Layout.Parts, run.Model!.Modules[module.Id.Name]))])));
        AssertRow(results.Evaluation[1], Score(run, _ => Dense(run.Model!.Baselines[0].Parameters)));
        AssertRow(results.Evaluation[2], Score(run, _ => Dense(run.Model!.Base.Parameters)));

        PathInput Dense(BlobHash blob) => DenseTrainer.ModelOf(run.Topology.Shape, ComputeType.Fp32, blob);

        static void AssertRow(EvaluationRow row, Sums naive)
        {
            Assert.Equal(naive.Tokens, row.ScoredTokens);
            Assert.Equal(Math.Exp(naive.Loss / naive.Tokens), row.Perplexity, row.Perplexity * 1e-5);
            Assert.Equal(Math.Exp((naive.Loss + naive.PrefixLoss) / (naive.Tokens + naive.PrefixTokens)), row.PerplexityWithPrefix, row.Perplexity * 1e-5);
            Assert.Equal(naive.Loss / Math.Log(2) / naive.Bytes, row.BitsPerByte, row.BitsPerByte * 1e-5);
        }
    }

    /// <summary>Every test document of every path's shard, one sequence at a time.</summary>
    private Sums Score(RunView run, Func<PathId, PathInput> modelOf)
    {
        Dictionary<ulong, string> texts = File.ReadLines(reference.Runs.Corpus)
            .Select(line => JsonDocument.Parse(line).RootElement)
            .ToDictionary(record => DocumentOrigin.Hash(record.GetProperty("url").GetString()!), record => record.GetProperty("text").GetString()!);
        int[] byteCounts = TokenizerFile.Load(File.ReadAllBytes(run.FileOf(run.Model!.Tokenizer))).ByteCounts();
        Sums sums = new();
        using PathModels models = new(torch.CPU);
        foreach (PathId path in run.Topology.Paths)
        {
            PathInput input = modelOf(path);
            PathModel model = models.Load(input, [.. input.Blobs.Select(run.FileOf)], LengthOf(run.Config));
            using TokenCorpus shard = TokenCorpus.Open([.. run.ShardOf(path).Select(run.FileOf)]);
            foreach (DocumentId id in shard.Documents(Split.Test))
            {
                int[] tokens = new int[shard[id].TokenCount];
                shard.CopyTokens(id, 0, tokens);
                int prefixBytes = tokens.AsSpan(0, Math.Min(tokens.Length, run.Config.Routing.PrefixTokens)).ToArray().Sum(token => byteCounts[token]);
                Score(model, tokens, run.Config, Encoding.UTF8.GetByteCount(texts[shard[id].OriginHash]) - prefixBytes, sums);
            }
        }

        return sums;
    }

    /// <summary>Every token after the first is predicted once; from the second sequence on the document's prefix stands in front, unscored.</summary>
    private static void Score(PathModel model, int[] document, RunConfig config, int bytes, Sums sums)
    {
        int length = LengthOf(config);
        int prefix = config.Routing.PrefixTokens;
        if (document.Length <= prefix)
        {
            return;
        }

        sums.Bytes += bytes;
        for (int scored = 1; scored < document.Length;)
        {
            int[] positions = scored == 1
                ? [.. Enumerable.Range(0, Math.Min(length, document.Length - 1))]
                : [.. Enumerable.Range(0, prefix), .. Enumerable.Range(Math.Min(scored - 1, document.Length - 1 - (length - prefix)), length - prefix)];
            int repeated = scored == 1 ? 0 : prefix;
            int[] tokens = [.. positions.Select(position => document[position])];
            int[] targets = [.. positions.Select((position, i) => i < repeated || position + 1 < scored ? -1 : document[position + 1])];
            float[] losses = new float[tokens.Length];
            model.EvaluateLosses(tokens, targets, tokens.Length, losses);
            for (int i = repeated; i < positions.Length; i++)
            {
                int target = positions[i] + 1;
                if (target >= scored && target < prefix)
                {
                    sums.PrefixTokens++;
                    sums.PrefixLoss += losses[i];
                }
                else if (target >= scored)
                {
                    sums.Tokens++;
                    sums.Loss += losses[i];
                }
            }

            scored = positions[^1] + 2;
        }
    }

    private static int LengthOf(RunConfig config) => config.Evaluation.SequenceLength ?? config.Transformer.SequenceLength;

    private sealed class Sums
    {
        public long Tokens { get; set; }

        public double Loss { get; set; }

        public long PrefixTokens { get; set; }

        public double PrefixLoss { get; set; }

        public long Bytes { get; set; }
    }
}
