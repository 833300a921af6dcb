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

    private static TransformerShape Small { get; } = new()
    {
        Vocabulary = 1000, Blocks = 2, Width = 128, Heads = 4, KeyValueHeads = 2, HeadWidth = 32, FeedForward = 352,
    };

    /// <summary>Every product sums over more terms than those of a real path of some millions of parameters: width, feed-forward, vocabulary and tokens.</summary>
    private static TransformerShape Long { get; } = new()
    {
        Vocabulary = 8_192, Blocks = 1, Width = 1_024, Heads = 8, KeyValueHeads = 8, HeadWidth = 128, FeedForward = 2_816,
    };

    [Theory]
    [InlineData(ComputeType.Fp32)]
    [InlineData(ComputeType.Bf16)]
    public void Training_GivesTheSameBytesWithAnyNumberOfThreads_AndAgain(ComputeType type)
    {
        float[] one = TrainOnThread(Small, type, steps: 20, threads: 1);

        Assert.Equal(one, TrainOnThread(Small, type, steps: 20, threads: 1));
        Assert.Equal(one, TrainOnThread(Small, type, steps: 20, threads: 2));
        Assert.Equal(one, TrainOnThread(Small, type, steps: 20, threads: 3));
    }

    [Theory]
    [InlineData(ComputeType.Fp32)]
    [InlineData(ComputeType.Bf16)]
    public void LongSums_AreNotDividedByTheNumberOfThreads(ComputeType type)
    {
        float[] one = TrainOnThread(Long, type, steps: 2, threads: 1);

        Assert.Equal(one, TrainOnThread(Long, type, steps: 2, threads: 2));
        Assert.Equal(one, TrainOnThread(Long, type, steps: 2, threads: 8));
    }

    private static float[] TrainOnThread(TransformerShape shape, ComputeType type, int steps, int threads)
    {
        float[] result = [];
        Thread thread = new(() =>
        {
            torch.set_num_threads(threads);
            result = Train(shape, type, steps);
        });
        thread.Start();
        thread.Join();
        return result;
    }

    private static float[] Train(TransformerShape shape, ComputeType type, int steps)
    {
        using PathModel model = new(shape, ModelTopology.Dense(shape).Modules, new ComputeOptions { Type = type, MaxTokens = 4 * Length });
        using AdamW optimizer = new(model, new AdamWOptions());
        model.Parameters.Initialize(seed: 4);
        for (int step = 0; step < steps; step++)
        {
            RandomStream random = new(step, "tokens");
            int[] tokens = [.. Enumerable.Range(0, 6 * Length).Select(_ => random.NextInt32(shape.Vocabulary))];
            double loss = model.Accumulate(tokens, tokens, Length, 1.0 / tokens.Length) / tokens.Length;
            optimizer.Step(1e-3, loss);
        }

        return model.Parameters.ParametersOf(model.Parameters.Segments[0].Module).ToArray();
    }
}
