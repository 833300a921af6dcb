using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using TorchSharp;
using Xunit;

namespace DiPaCo.Training.Tests.Inner;

/// <summary>libtorch's number of threads belongs to the calling thread once it was set there, so each run has a thread of its own.</summary>
public sealed class ThreadCountTests
{
    private const int Length = 128;
    private const int Steps = 20;

    private static TransformerShape Shape { get; } = new()
    {
        Vocabulary = 1000, Blocks = 2, Width = 128, Heads = 4, KeyValueHeads = 2, HeadWidth = 32, FeedForward = 352,
    };

    [Theory]
    [InlineData(ComputeType.Fp32)]
    [InlineData(ComputeType.Bf16)]
    public void Training_GivesTheSameBytesWithAnyNumberOfThreads_AndAgain(ComputeType type)
    {
        float[] one = TrainOnThread(type, threads: 1);

        Assert.Equal(one, TrainOnThread(type, threads: 1));
        Assert.Equal(one, TrainOnThread(type, threads: 2));
        Assert.Equal(one, TrainOnThread(type, threads: 3));
    }

    private static float[] TrainOnThread(ComputeType type, int threads)
    {
        float[] result = [];
        Thread thread = new(() =>
        {
            torch.set_num_threads(threads);
            result = Train(type);
        });
        thread.Start();
        thread.Join();
        return result;
    }

    private static float[] Train(ComputeType type)
    {
        using PathModel model = new(Shape, ModelTopology.Dense(Shape).Modules, new ComputeOptions { Type = type, MaxTokens = 4 * Length });
        using AdamW optimizer = new(model, new AdamWOptions());
        model.Parameters.Initialize(seed: 4);
        for (int step = 0; step < Steps; step++)
        {
            RandomStream random = new(step, "tokens");
            int[] tokens = [.. Enumerable.Range(0, 6 * Length).Select(_ => random.NextInt32(Shape.Vocabulary))];
            double loss = model.Accumulate(tokens, tokens, Length, 1.0 / tokens.Length) / tokens.Length;
            optimizer.Step(1e-3, loss);
        }

        return model.Parameters.ParametersOf(model.Parameters.Segments[0].Module).ToArray();
    }
}
