using System.Diagnostics;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Training.Benchmarking;

namespace DiPaCo.Benchmarks;

/// <summary>The cost of scoring a grid of 4 × 4 paths as a tree over that of 16 passes, both with the loading of modules.</summary>
internal static class TreeScoreTable
{
    private const int Experts = 4;
    private const int Batches = 2;
    private const int Sequences = 16;
    private const int Length = 256;

    public static void Print(string[] args)
    {
        TransformerShape shape = args is ["large", ..] ? BenchmarkShapes.Large : BenchmarkShapes.Small;
        ComputeType type = args is [_, "fp32", ..] ? ComputeType.Fp32 : ComputeType.Bf16;
        LevelOptions level = new() { Blocks = shape.Blocks / 2, Experts = Experts };
        ModelTopology topology = ModelTopology.Create(new TopologyOptions { Levels = [level, level], Embedding = Sharing.Level, Head = Sharing.Level }, shape);
        using PathModel model = new(shape, topology.ModulesOf(new PathId(0)), new ComputeOptions { Type = type, MaxTokens = Sequences * Length });
        Dictionary<BlobHash, float[]> versions = [];
        PathTree tree = PathTree.Of(shape.Blocks, [.. topology.Paths.Select(path => (System.Collections.Immutable.ImmutableArray<StackModule>)
            [.. topology.ModulesOf(path).Select(module => new StackModule(module.Layout.Parts, Version(module)))])]);
        using PathTreeModel scorer = new(model, tree, Load);
        TokenBatch[] batches = [.. Enumerable.Range(0, Batches).Select(seed => Random(shape, seed))];
        float[] losses = new float[Sequences * Length];

        Tree();
        List<double> ratios = [];
        (double bestTree, double bestSeparate) = (double.MaxValue, double.MaxValue);
        for (int pair = 0; pair < 5; pair++)
        {
            (double together, double separate) = (Seconds(Tree), Seconds(Separate));
            (bestTree, bestSeparate) = (Math.Min(bestTree, together), Math.Min(bestSeparate, separate));
            ratios.Add(together / separate);
        }

        ratios.Sort();
        Console.WriteLine(
            $"{model.Parameters.Count / 1e6:F1} M {type}, {tree.PathCount} paths: best {bestTree / bestSeparate:F3}, median {ratios[ratios.Count / 2]:F3} of separate passes; module evaluations {tree.ModuleEvaluations} of {tree.SeparateEvaluations}");

        void Tree() => scorer.Evaluate(batches, (_, _, _) => { }, CancellationToken.None);

        void Separate()
        {
            for (int path = 0; path < tree.PathCount; path++)
            {
                for (int module = 0; module < model.Parameters.Segments.Length; module++)
                {
                    Load(model.Parameters.Segments[module].Module, tree.VersionOf(path, module));
                }

                foreach (TokenBatch batch in batches)
                {
                    model.EvaluateLosses(batch.Tokens, batch.Targets, batch.Length, losses);
                }
            }
        }

        BlobHash Version(ModuleDefinition module)
        {
            BlobHash version = BlobHash.Of(System.Text.Encoding.UTF8.GetBytes(module.Id.Name));
            if (!versions.ContainsKey(version))
            {
                RandomStream random = new(1, module.Id.Name);
                versions[version] = [.. Enumerable.Range(0, (int)module.Layout.Length).Select(_ => (float)(0.02 * random.NextGaussian()))];
            }

            return version;
        }

        void Load(ModuleId place, BlobHash version) => model.Parameters.Write(place, versions[version]);
    }

    private static TokenBatch Random(TransformerShape shape, int seed)
    {
        RandomStream random = new(seed, "benchmark-tokens");
        int[] tokens = [.. Enumerable.Range(0, Sequences * Length).Select(_ => random.NextInt32(shape.Vocabulary))];
        return new TokenBatch(tokens, [.. tokens.Skip(1), 0], Length);
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
