using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using TorchSharp;
using Xunit;

namespace DiPaCo.Model.Tests.Trees;

/// <summary>Many paths at once are as good as one after the other, and cheaper.</summary>
public sealed class PathTreeTests
{
    public static TheoryData<string> Topologies => [.. Options.Keys];

    internal static Dictionary<string, TopologyOptions> Options { get; } = new()
    {
        ["grid"] = Grid(Sharing.Level, Sharing.Level, Level(2, 3), Level(1, 2)),
        ["three levels"] = Grid(Sharing.Shared, Sharing.Shared, Level(1, 2), Level(1, 2), Level(1, 2)),
        ["private blocks"] = Grid(Sharing.Shared, Sharing.Level, Level(2, 2, 1), Level(2, 2, 0)),
        ["private embedding"] = Grid(Sharing.Private, Sharing.Level, Level(1, 2), Level(1, 2)),
        ["private head"] = Grid(Sharing.Level, Sharing.Private, Level(1, 2), Level(1, 2)),
        ["flat"] = Grid(Sharing.Level, Sharing.Level, new LevelOptions { Blocks = 2, Sharing = Sharing.Private }) with { Replicas = 3 },
        ["replicas"] = Grid(Sharing.Level, Sharing.Level, Level(1, 2)) with { Replicas = 2 },
        ["some paths"] = Grid(Sharing.Level, Sharing.Level, Level(1, 3), Level(1, 3)) with { Paths = [[0, 1], [2, 2], [2, 0]] },
    };

    [Theory]
    [MemberData(nameof(Topologies))]
    public void LossesOfTheTree_AreThoseOfEveryPathAlone_BitForBit(string name)
    {
        AssertSame(new SmallTree(Options[name], ComputeType.Fp32));
        AssertSame(new SmallTree(Options[name], ComputeType.Bf16, tied: false));
        AssertSame(new SmallTree(Options[name], ComputeType.Fp32, composed: true));
    }

    [Fact]
    public void TwoLevelsOfKExperts_MakeKAndKSquaredModuleEvaluations()
    {
        SmallTree small = new(Grid(Sharing.Level, Sharing.Level, Level(1, 4), Level(1, 4)));
        PathTree tree = small.Tree;

        Assert.Equal((16, 4 + 16, 2 * 16), (tree.PathCount, tree.ModuleEvaluations, tree.SeparateEvaluations));

        // Every path alone would cost two blocks and the head, 16 times; the tree has only four first blocks.
        TransformerShape shape = small.Shape;
        double block = shape.ForwardFlopsPerToken(TransformerPart.OfBlock(0), 12);
        double head = shape.ForwardFlopsPerToken(12) - (2 * block);
        Assert.Equal((4 * block) + (16 * (block + head)), tree.FlopsPerToken(shape, 12), 1e-6);
    }

    [Fact]
    public void PrivateParts_EndTheSharingFromThereOn()
    {
        PathTree embedding = new SmallTree(Options["private embedding"]).Tree;
        PathTree blocks = new SmallTree(Options["private blocks"]).Tree;

        Assert.Equal(embedding.SeparateEvaluations, embedding.ModuleEvaluations);

        // The embedding, two first blocks, and for each of four paths its private blocks and the second level behind them.
        Assert.Equal(1 + 2 + (4 * 3), blocks.ModuleEvaluations);
    }

    [Fact]
    public void EqualVersions_AreComputedOnce_WhateverTheirNames()
    {
        SmallTree forked = new(Options["grid"], versionOf: id => id.Name.Split('.')[0]);

        Assert.Equal(2, forked.Tree.ModuleEvaluations);
        AssertSame(forked);
    }

    [Fact]
    public void AModule_IsLoadedOnlyWhenABranchNeedsAnotherVersionOfIt()
    {
        SmallTree small = new(Options["grid"]);
        using PathModel model = small.Path(new PathId(0));
        using PathTreeModel tree = small.Over(model);

        tree.Evaluate(Batches(), (_, _, _) => { }, CancellationToken.None);

        // Three experts of the first level, and behind each of them the two of the second.
        Assert.Equal(3 + 6, small.Loads.Count);
        small.Loads.Clear();
        tree.Evaluate(Batches(), (_, _, _) => { }, CancellationToken.None);
        Assert.Equal(3 + 6, small.Loads.Count);
    }

    [Fact]
    public void TheTree_HasEveryPathOnceInItsLeaves_AndItsPartsInOrder() => AnyTopology.Sample(
        options =>
        {
            SmallTree small = new(options);
            List<int> leaves = [];
            foreach (PathTreeNode root in small.Tree.Roots)
            {
                Visit(root, 0);
            }

            Assert.Equal(Enumerable.Range(0, small.Tree.PathCount), leaves.Order());
            Assert.InRange(small.Tree.ModuleEvaluations, 1, small.Tree.SeparateEvaluations);

            void Visit(PathTreeNode node, int part)
            {
                Assert.Equal(part, node.FirstPart);
                if (node.Children.IsEmpty)
                {
                    Assert.Equal(small.Shape.Blocks + 2, node.EndPart);
                    leaves.AddRange(node.Paths);
                }

                foreach (PathTreeNode child in node.Children)
                {
                    Visit(child, node.EndPart);
                }
            }
        },
        iter: 30);

    [Fact]
    public void PathsThatDivideTheStackDifferently_MakeNoTree()
    {
        ImmutableArray<TransformerPart> all = [.. TransformerPart.All(1)];
        StackModule whole = new(all, BlobHash.Of([1]));

        Assert.Throws<ArgumentException>(() => PathTree.Of(1, [[whole], [new StackModule(all[..2], BlobHash.Of([2])), new StackModule(all[2..], BlobHash.Of([3]))]]));
        Assert.Throws<ArgumentException>(() => PathTree.Of(2, [[whole]]));
        Assert.Throws<ArgumentException>(() => PathTree.Of(1, []));
    }

    [Fact]
    public void ManyPasses_LeaveNoTensorBehind()
    {
        SmallTree small = new(Options["grid"], ComputeType.Bf16);
        using PathModel model = small.Path(new PathId(0));
        using PathTreeModel tree = small.Over(model);
        tree.Evaluate(Batches(), (_, _, _) => { }, CancellationToken.None);
        long live = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

        for (int pass = 0; pass < 10; pass++)
        {
            tree.Evaluate(Batches(), (_, _, _) => { }, CancellationToken.None);
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    private static void AssertSame(SmallTree small)
    {
        TokenBatch[] batches = Batches();
        using PathModel model = small.Path(new PathId(small.Topology.Paths[0].Value));
        using PathTreeModel tree = small.Over(model);
        Dictionary<(int, int), float[]> found = [];

        tree.Evaluate(batches, (path, batch, losses) => found.Add((path, batch), losses.ToArray()), CancellationToken.None);

        Assert.Equal(small.Tree.PathCount * batches.Length, found.Count);
        for (int p = 0; p < small.Tree.PathCount; p++)
        {
            using PathModel alone = small.Loaded(small.Topology.Paths[p]);
            for (int b = 0; b < batches.Length; b++)
            {
                float[] expected = new float[batches[b].Tokens.Length];
                alone.EvaluateLosses(batches[b].Tokens, batches[b].Targets, batches[b].Length, expected);
                Assert.Equal(expected, found[(p, b)]);
            }
        }
    }

    /// <summary>Batches of different lengths, one of them of more than one micro-batch.</summary>
    private static TokenBatch[] Batches() =>
        [.. new (int Sequences, int Length)[] { (2, 24), (5, 24), (1, 7) }.Select((size, seed) =>
        {
            (int[] tokens, int[] targets) = Paths.SmallPath.Batch(size.Sequences, size.Length, seed);
            return new TokenBatch(tokens, targets, size.Length);
        })];

    internal static TopologyOptions Grid(Sharing embedding, Sharing head, params LevelOptions[] levels) =>
        new() { Levels = [.. levels], Embedding = embedding, Head = head };

    internal static LevelOptions Level(int blocks, int experts, params int[] privateBlocks) =>
        new() { Blocks = blocks, Experts = experts, PrivateBlocks = [.. privateBlocks] };

    private static Gen<TopologyOptions> AnyTopology { get; } =
        from levels in (
            from blocks in Gen.Int[1, 3]
            from experts in Gen.Int[1, 3]
            from sharing in Gen.Enum<Sharing>()
            from isPrivate in Gen.Bool.Array[blocks]
            select new LevelOptions
            {
                Blocks = blocks,
                Experts = sharing == Sharing.Level ? experts : 1,
                Sharing = sharing,
                PrivateBlocks = sharing == Sharing.Private ? [] : [.. Enumerable.Range(0, blocks).Where(block => isPrivate[block])],
            }).Array[1, 3]
        from embedding in Gen.Enum<Sharing>()
        from head in Gen.Enum<Sharing>()
        from replicas in Gen.Int[1, 2]
        select new TopologyOptions { Levels = [.. levels], Embedding = embedding, Head = head, Replicas = replicas };
}
