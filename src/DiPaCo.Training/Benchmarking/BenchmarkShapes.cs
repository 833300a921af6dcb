using DiPaCo.Core;

namespace DiPaCo.Training.Benchmarking;

/// <summary>The two transformers whose training step is measured.</summary>
public static class BenchmarkShapes
{
    /// <summary>5.9 million parameters: a path of a run on one machine.</summary>
    public static TransformerShape Small { get; } = new()
    {
        Vocabulary = 4096, Blocks = 6, Width = 256, Heads = 4, KeyValueHeads = 4, HeadWidth = 64, FeedForward = 704,
    };

    /// <summary>29.9 million parameters.</summary>
    public static TransformerShape Large { get; } = new()
    {
        Vocabulary = 8192, Blocks = 8, Width = 512, Heads = 8, KeyValueHeads = 8, HeadWidth = 64, FeedForward = 1408,
    };
}
