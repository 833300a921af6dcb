using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Routing;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;
using TorchSharp;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Who chooses the path of a chunk, and what it has seen of the document.</summary>
public sealed class ChunkChoicesTests : IDisposable
{
    private const int Prefix = 8;
    private const int Cell = 4;
    private const int Paths = 3;
    private const int Vocabulary = 30;

    // The second document is of several sequences.
    private static readonly int[] Lengths = [30, 110];

    private static readonly SequenceInput Sequences = new(40, Prefix, LossOnPrefix: true, MicroBatch: 2, LengthWindow: 1);

    private static readonly TransformerShape Shape = new()
    {
        Vocabulary = Vocabulary, Blocks = 1, Width = 32, Heads = 2, KeyValueHeads = 2, HeadWidth = 16, FeedForward = 64,
    };

    private readonly PathModels _models = new(torch.CPU);

    public void Dispose() => _models.Dispose();

    [Theory]
    [InlineData(ReroutingRouter.Prefix)]
    [InlineData(ReroutingRouter.Chunk)]
    [InlineData(ReroutingRouter.Document)]
    [InlineData(ReroutingRouter.Token)]
    public async Task NoTokenIsScoredUnderAPathThatItChose(ReroutingRouter router)
    {
        int[][] documents = Documents(1);
        int[] choices = await ChooseAsync(router, documents);
        int[][] others = Documents(2);
        LossMatrix losses = Losses();
        bool anyChange = false;
        for (int d = 0; d < Lengths.Length; d++)
        {
            (int start, int count) = losses.CellsOf(d).GetOffsetAndLength(losses.CellCount);
            for (int cell = 1; cell < count; cell += 3)
            {
                // Every token from the beginning of the cell on becomes another one.
                int[][] changed = [.. documents];
                int kept = Prefix + (cell * Cell);
                changed[d] = [.. documents[d][..kept], .. others[d][kept..]];

                int[] after = await ChooseAsync(router, changed);

                Assert.Equal(choices[..(start + cell + 1)], after[..(start + cell + 1)]);
                Assert.Equal(choices[(start + count)..], after[(start + count)..]);
                anyChange |= !choices.SequenceEqual(after);
            }
        }

        Assert.True(anyChange);
    }

    [Fact]
    public async Task ThePrefixRouter_TakesTheTokensBeforeTheChunk_BehindTheDocumentsFirst_ForTheBeginningOfADocument()
    {
        int[][] documents = Documents(1);
        int[] choices = await ChooseAsync(ReroutingRouter.Prefix, documents);
        LossMatrix losses = Losses();
        PathModel model = Model(Shape);
        IRouter router = Router();
        for (int d = 0; d < Lengths.Length; d++)
        {
            int start = losses.CellsOf(d).Start.Value;
            Assert.Equal(d, choices[start]);
            for (int cell = 1; start + cell < losses.CellsOf(d).End.Value; cell++)
            {
                float[] features = model.FeaturesOf([documents[d][0], .. documents[d][((cell * Cell) + 1)..((cell * Cell) + Prefix)]], Prefix, [Prefix]);
                FeatureMatrix one = new(1, Shape.Width);
                features.CopyTo(one.Row(0));
                Assert.Equal(router.Route(new RouterInput(one))[0], losses.Paths[choices[start + cell]]);
            }
        }

        Assert.True(choices.Distinct().Count() > 1);
    }

    /// <summary>Hidden states of a document in one sequence, from the means over its beginnings.</summary>
    [Theory]
    [InlineData(Cell, true)]
    [InlineData(Cell, false)]
    [InlineData(2 * Cell, true)]
    [InlineData(2 * Cell, false)]
    public async Task TheDocumentRouter_TakesTheMeanOverAllBeforeTheChunk_OrOverTheChunkBefore(int window, bool ofAllBefore)
    {
        int[] document = Documents(1)[0];
        using TokenCorpus corpus = await CorpusAsync([document]);
        LossMatrix losses = Losses(Cell, [document.Length]);
        PathModel model = Model(Shape);

        int[] choices = new ChunkChoices(losses, corpus, Sequences, CancellationToken.None).ByFeatures(Router(), model, [2], [window], ofAllBefore)[0];

        Assert.Equal(2, choices[0]);
        for (int cell = window / Cell; cell < losses.CellCount; cell += window / Cell)
        {
            int end = Prefix - 1 + (cell * Cell);
            int begin = ofAllBefore ? 0 : end - window;
            double[] until = SumUntil(end);
            double[] before = SumUntil(begin);
            FeatureMatrix feature = new(1, Shape.Width);
            for (int i = 0; i < Shape.Width; i++)
            {
                feature.Row(0)[i] = (float)((until[i] - before[i]) / (end - begin));
            }

            Assert.Equal(Router().Route(new RouterInput(feature))[0], losses.Paths[choices[cell]]);
        }

        Assert.True(choices.Distinct().Count() > 1);

        double[] SumUntil(int position) => position == 0
            ? new double[Shape.Width]
            : [.. model.FeaturesOf(document, document.Length, [position]).Select(mean => (double)mean * position)];
    }

    [Fact]
    public async Task TheTokenRouter_IsAskedAtTheTokenBeforeTheChunk()
    {
        int[][] documents = Documents(1);
        int[] choices = await ChooseAsync(ReroutingRouter.Token, documents);
        PathModel model = Model(Shape with { TiedEmbedding = false, Outputs = Paths });
        int[] best = new int[documents[0].Length];

        model.BestOutputs(documents[0], documents[0].Length, best);

        for (int cell = 0; cell * Cell < Lengths[0] - Prefix; cell++)
        {
            Assert.Equal(best[Prefix + (cell * Cell) - 1], choices[cell]);
        }

        Assert.True(choices.Distinct().Count() > 1);
    }

    [Fact]
    public async Task TheTokenRouter_LearnsFromTheBaseModelWhichPathIsBestAtEveryToken()
    {
        // In the first half of every document path 0 is best, in the second path 2: they have different words.
        int[][] documents = [.. Enumerable.Range(0, 24).Select(d => HalvesOf(d, 60))];
        LossMatrix losses = Losses(1, [.. documents.Select(document => document.Length)]);
        for (int d = 0; d < documents.Length; d++)
        {
            int start = losses.CellsOf(d).Start.Value;
            for (int token = 0; token < losses.Documents[d].Tokens; token++)
            {
                int best = documents[d][token + Prefix] < Vocabulary / 2 ? 0 : 2;
                for (int path = 0; path < Paths; path++)
                {
                    losses.Cells[((start + token) * Paths) + path] = path == best ? 1 : 3;
                }
            }
        }

        ModuleInput module = new(ModuleId.Dense, [.. TransformerPart.All(1)], default);
        TokenRouterSpec spec = new()
        {
            Base = new PathInput(Shape, ComputeType.Fp32, [module]),
            Paths = Paths,
            Losses = [],
            Chunks = [],
            Sequences = Sequences,
            BatchSequences = 4,
            Schedule = new LearningRateSchedule(0.01, 0, 60, 0.1),
            AdamW = new AdamWOptions(0.9, 0.95, 1e-8, 0.1, 1),
            Horizon = 1,
            Seed = 1,
        };
        string baseFile = Path.GetTempFileName();
        using (FileStream file = File.Create(baseFile))
        {
            Model(Shape).Parameters.Save(ModuleId.Dense, file);
        }

        using TokenCorpus corpus = await CorpusAsync(documents);
        using LabelledDocuments labelled = await LabelledDocuments.OfAsync(corpus, losses, spec.Horizon, CancellationToken.None);
        PathModel router = _models.Create(spec.ModelOf(default), 1000);
        TrainMetrics metrics = TokenRouterTask.Execute(spec, router, baseFile, labelled, null, CancellationToken.None);
        File.Delete(baseFile);

        int[] choices = new ChunkChoices(losses, corpus, Sequences, CancellationToken.None).ByToken(router);

        // The token before says it, but for the one at which the words change.
        int wrong = 0;
        for (int d = 0; d < documents.Length; d++)
        {
            int[] best = BestPaths.Of(losses, d, 1);
            int start = losses.CellsOf(d).Start.Value;
            wrong += best.Where((path, token) => choices[start + token] != path).Count();
        }

        Assert.InRange(wrong, 0, 2 * documents.Length);
        Assert.Equal(60, metrics.Steps);

        // Three paths cost ln 3 a token before any training.
        Assert.InRange(metrics.LossSum / metrics.Steps, 0, 0.5);
    }

    [Fact]
    public async Task ARouterThatNeedsNoFeatures_NeverChangesItsMind()
    {
        using TokenCorpus corpus = await CorpusAsync(Documents(1));
        LossMatrix losses = Losses();

        ChunkChoices chooser = new(losses, corpus, Sequences, CancellationToken.None);
        RandomRouter router = new(losses.Paths, 1);

        foreach (int[] choices in new[] { chooser.ByPrefix(router, Model(Shape), [1, 2]), chooser.ByFeatures(router, Model(Shape), [1, 2], [Cell], ofAllBefore: true)[0] })
        {
            Assert.All(choices[losses.CellsOf(0)], choice => Assert.Equal(1, choice));
            Assert.All(choices[losses.CellsOf(1)], choice => Assert.Equal(2, choice));
        }
    }

    private async Task<int[]> ChooseAsync(ReroutingRouter router, int[][] documents)
    {
        using TokenCorpus corpus = await CorpusAsync(documents);
        ChunkChoices choices = new(Losses(), corpus, Sequences, CancellationToken.None);
        return router switch
        {
            ReroutingRouter.Prefix => choices.ByPrefix(Router(), Model(Shape), [0, 1]),
            ReroutingRouter.Token => choices.ByToken(Model(Shape with { TiedEmbedding = false, Outputs = Paths })),
            _ => choices.ByFeatures(Router(), Model(Shape), [0, 1], [Cell], ofAllBefore: router == ReroutingRouter.Document)[0],
        };
    }

    private static LossMatrix Losses() => Losses(Cell, Lengths);

    private static LossMatrix Losses(int cell, int[] lengths) => new(
        [.. Enumerable.Range(0, Paths).Select(path => new PathId(2 * path))],
        [.. lengths.Select((length, d) => new ScoredDocument(new DocumentId(0, d), length - Prefix, Prefix - 1, length))], cell);

    /// <summary>A model with parameters large enough that tokens matter.</summary>
    private PathModel Model(TransformerShape shape)
    {
        PathModel model = _models.Create(new PathInput(shape, ComputeType.Fp32, [new ModuleInput(ModuleId.Dense, [.. TransformerPart.All(1)], default)]), 1000);
        RandomStream random = new(5, "parameters");
        float[] values = new float[model.Parameters.Length];
        foreach (NamedTensor tensor in model.Parameters.Segments[0].Layout.Tensors)
        {
            foreach (ref float value in values.AsSpan((int)tensor.Offset, (int)tensor.Length))
            {
                value = (float)(tensor.IsMatrix ? 0.3 * random.NextGaussian() : 1);
            }
        }

        model.Parameters.Write(ModuleId.Dense, values);
        return model;
    }

    private static KMeansRouter Router()
    {
        FeatureMatrix centroids = new(Paths, Shape.Width);
        RandomStream random = new(6, "centroids");
        for (int path = 0; path < Paths; path++)
        {
            foreach (ref float value in centroids.Row(path))
            {
                value = (float)(0.3 * random.NextGaussian());
            }
        }

        float[] ones = new float[Shape.Width];
        Array.Fill(ones, 1);
        return new KMeansRouter(Losses().Paths, centroids, new FeatureTransform(new float[Shape.Width], ones), Prefix);
    }

    private static int[][] Documents(long seed) => [.. Lengths.Select((length, d) =>
    {
        RandomStream random = new(seed, "document", d);
        return Enumerable.Range(0, length).Select(_ => random.NextInt32(Vocabulary)).ToArray();
    })];

    private static int[] HalvesOf(long seed, int length)
    {
        RandomStream random = new(seed, "halves");
        return [.. Enumerable.Range(0, length).Select(token => random.NextInt32(Vocabulary / 2) + (token < length / 2 ? 0 : Vocabulary / 2))];
    }

    private static async Task<TokenCorpus> CorpusAsync(int[][] documents)
    {
        TokenChunkBuilder chunk = new(Vocabulary);
        foreach (int[] document in documents)
        {
            chunk.Add((ulong)chunk.DocumentCount, "source", Split.Test, document, document.Length);
        }

        using MemoryStream file = new();
        await chunk.WriteToAsync(file, TestContext.Current.CancellationToken);
        return new TokenCorpus([TokenChunk.Load(file.ToArray())]);
    }
}
