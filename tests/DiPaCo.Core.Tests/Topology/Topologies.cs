using System.Collections.Immutable;
using CsCheck;

namespace DiPaCo.Core.Tests.Topology;

/// <summary>Small transformers and random topologies.</summary>
internal static class Topologies
{
    public static Gen<TopologyOptions> Any { get; } =
        from levels in Level.Array[1, 4]
        from embedding in Gen.Enum<Sharing>()
        from head in Gen.Enum<Sharing>()
        from replicas in Gen.Int[1, 3]
        select new TopologyOptions { Levels = [.. levels], Embedding = embedding, Head = head, Replicas = replicas };

    private static Gen<LevelOptions> Level =>
        from blocks in Gen.Int[1, 4]
        from experts in Gen.Int[1, 4]
        from sharing in Gen.Enum<Sharing>()
        from inner in Gen.Bool.Array[blocks]
        select new LevelOptions
        {
            Blocks = blocks,
            Experts = sharing == Sharing.Level ? experts : 1,
            Sharing = sharing,
            PrivateBlocks = sharing == Sharing.Private ? [] : [.. Enumerable.Range(0, blocks).Where(block => inner[block])],
        };

    public static TransformerShape Shape(int blocks, bool tied = true, Activation activation = Activation.SwiGlu) => new()
    {
        Vocabulary = 300,
        Blocks = blocks,
        Width = 32,
        Heads = 3,
        KeyValueHeads = 1,
        HeadWidth = 8,
        FeedForward = 96,
        Activation = activation,
        TiedEmbedding = tied,
    };

    public static ModelTopology Create(TopologyOptions options) =>
        ModelTopology.Create(options, Shape(options.Levels.Sum(level => level.Blocks)));

    public static TopologyOptions Grid(params ReadOnlySpan<int> experts) => new()
    {
        Levels = [.. experts.ToArray().Select(count => new LevelOptions { Blocks = 2, Experts = count })],
        Embedding = Sharing.Level,
        Head = Sharing.Level,
    };

    public static ImmutableArray<string> Names(ModelTopology topology) => [.. topology.Modules.Select(module => module.Id.Name)];
}
