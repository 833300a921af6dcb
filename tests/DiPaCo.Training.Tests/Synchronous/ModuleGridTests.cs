using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using TorchSharp;
using Xunit;

namespace DiPaCo.Training.Tests.Synchronous;

public sealed class ModuleGridTests
{
    private const int Length = 16;
    private const double Clip = 0.05;
    private const double Rate = 1e-2;

    private static TransformerShape Shape { get; } = new()
    {
        Vocabulary = 61, Blocks = 2, Width = 32, Heads = 2, KeyValueHeads = 1, HeadWidth = 16, FeedForward = 64,
    };

    /// <summary>Two paths that share the embedding, the first level and the head, and have a second level each.</summary>
    private static ModelTopology Topology { get; } = ModelTopology.Create(
        new TopologyOptions
        {
            Embedding = Sharing.Shared,
            Head = Sharing.Shared,
            Levels = [new LevelOptions { Blocks = 1 }, new LevelOptions { Blocks = 1, Experts = 2 }],
        },
        Shape);

    [Fact]
    public void AStep_IsAdamWOnTheWeightedMeanOfThePathsClippedGradients_PerModule()
    {
        using PathModel model = new(Shape, Topology.ModulesOf(new PathId(0)), new ComputeOptions { Type = ComputeType.Fp32 });
        using ModuleGrid grid = new(Topology.Modules, torch.CPU);
        AdamWOptions options = new() { ClipNorm = Clip };
        using AdamW optimizer = grid.Optimizer(model, options);
        Dictionary<ModuleId, double[]> start = Initialize(grid, model);
        Dictionary<ModuleId, double[]> mean = start.ToDictionary(entry => entry.Key, entry => new double[entry.Value.Length]);
        ImmutableArray<double>[] weights = [[0.3, 0.3, 1.0, 0.3], [0.7, 0.7, 1.0, 0.7]];

        for (int p = 0; p < 2; p++)
        {
            ImmutableArray<ModuleId> modules = [.. Topology.ModulesOf(new PathId(p)).Select(module => module.Id)];
            Assert.Equal(["embedding", "level1.expert0", $"level2.expert{p}", "head"], modules.Select(module => module.Name));
            grid.Load(modules, model);
            model.Parameters.ClearGradients();
            (int[] tokens, int[] targets) = Batch(p);
            model.Accumulate(tokens, targets, Length, 1.0 / tokens.Length);
            double[][] gradients = [.. model.Parameters.Segments.Select(segment => Doubles(model.Parameters.GradientsOf(segment.Module)))];
            double norm = Math.Sqrt(gradients.Sum(gradient => gradient.Sum(g => g * g)));
            Assert.True(norm > Clip);
            for (int m = 0; m < modules.Length; m++)
            {
                for (int i = 0; i < gradients[m].Length; i++)
                {
                    mean[modules[m]][i] += weights[p][m] * gradients[m][i] * Clip / norm;
                }
            }

            Assert.Equal(norm, grid.AddGradient(modules, weights[p], model, Clip, loss: 1), 1e-6 * norm);
        }

        optimizer.Step(Rate, loss: 1);

        foreach (ParameterSegment segment in grid.Parameters.Segments)
        {
            ReadOnlySpan<float> parameters = grid.Parameters.ParametersOf(segment.Module);
            for (int i = 0; i < parameters.Length; i++)
            {
                // The first step of AdamW: both moments' corrections leave g and g².
                double g = mean[segment.Module][i];
                double keep = i < segment.DecayLength ? 1 - (Rate * options.WeightDecay) : 1;
                double expected = (keep * start[segment.Module][i]) - (Rate * g / (Math.Abs(g) + options.Epsilon));

                // Where the gradient is as small as ε, its sign decides over a whole step.
                double tolerance = Math.Abs(g) < 1e-6 ? 2 * Rate : 1e-5;
                Assert.Equal(expected, parameters[i], tolerance);
            }
        }
    }

    [Fact]
    public void AGradientThatIsNotFinite_IsNotAdded()
    {
        using PathModel model = new(Shape, Topology.ModulesOf(new PathId(0)), new ComputeOptions { Type = ComputeType.Fp32 });
        using ModuleGrid grid = new(Topology.Modules, torch.CPU);
        Initialize(grid, model);
        ImmutableArray<ModuleId> modules = [.. Topology.ModulesOf(new PathId(0)).Select(module => module.Id)];
        grid.Load(modules, model);
        (int[] tokens, int[] targets) = Batch(0);
        model.Accumulate(tokens, targets, Length, double.NaN);

        Assert.Throws<NonFiniteStepException>(() => grid.AddGradient(modules, [1, 1, 1, 1], model, Clip, loss: 1));
        model.Parameters.ClearGradients();
        Assert.Contains("loss is Infinity", Assert.Throws<NonFiniteStepException>(() => grid.AddGradient(modules, [1, 1, 1, 1], model, Clip, double.PositiveInfinity)).Message, StringComparison.Ordinal);
        Assert.All(grid.Parameters.Segments, segment => Assert.All(Doubles(grid.Parameters.GradientsOf(segment.Module)), g => Assert.Equal(0, g)));
    }

    private static Dictionary<ModuleId, double[]> Initialize(ModuleGrid grid, PathModel model)
    {
        model.Parameters.Initialize(seed: 1);
        foreach (ModuleDefinition module in Topology.Modules)
        {
            // Both experts of the second level start as the one that was drawn.
            float[] values = new float[module.Layout.Length];
            model.Parameters.Read(model.Parameters.Segments.Single(segment => segment.Layout.Parts.SequenceEqual(module.Layout.Parts)).Module, values);
            grid.Parameters.Write(module.Id, values);
        }

        return Topology.Modules.ToDictionary(module => module.Id, module => Doubles(grid.Parameters.ParametersOf(module.Id)));
    }

    private static double[] Doubles(ReadOnlySpan<float> values) => [.. values.ToArray().Select(value => (double)value)];

    private static (int[] Tokens, int[] Targets) Batch(int path)
    {
        RandomStream random = new(1, "batch", path);
        return ([.. Enumerable.Range(0, 2 * Length).Select(_ => random.NextInt32(61))], [.. Enumerable.Range(0, 2 * Length).Select(_ => random.NextInt32(61))]);
    }
}
