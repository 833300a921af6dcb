using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using TorchSharp;
using Xunit;

namespace DiPaCo.Model.Tests.Trees;

/// <summary>Sequences that each want some of the paths get the losses of these, and cause no more work than that.</summary>
public sealed class CandidateTreeTests
{
    public static TheoryData<string> Topologies => PathTreeTests.Topologies;

    [Theory]
    [MemberData(nameof(Topologies))]
    public void Losses_AreThoseOfEachCandidateAlone(string name)
    {
        SmallTree small = new(PathTreeTests.Options[name], ComputeType.Fp32);
        TokenBatch[] sequences = Sequences();
        ImmutableArray<int>[] wanted = Wanted(sequences.Length, small.Tree.PathCount, candidates: 2);
        using PathModel model = small.Path(small.Topology.Paths[0]);
        using CandidateTreeModel tree = small.CandidatesOver(model);
        Dictionary<(int Path, int Sequence), float[]> found = [];

        tree.Evaluate(sequences, wanted, (path, sequence, losses) => found.Add((path, sequence), losses.ToArray()), CancellationToken.None);

        Assert.Equal(
            wanted.SelectMany((paths, sequence) => paths.Select(path => (path, sequence))).Order(), found.Keys.Order());
        foreach (((int path, int sequence), float[] losses) in found)
        {
            using PathModel alone = small.Loaded(small.Topology.Paths[path]);
            float[] expected = new float[losses.Length];
            alone.EvaluateLosses(sequences[sequence].Tokens, sequences[sequence].Targets, sequences[sequence].Length, expected);
            for (int position = 0; position < losses.Length; position++)
            {
                Assert.Equal(expected[position], losses[position], 1e-4);
            }
        }
    }

    [Fact]
    public void TheWork_IsBoundedByTheCandidates_AndSharesWhatTheyHaveInCommon()
    {
        TokenBatch[] sequences = Sequences();
        foreach (int experts in (ReadOnlySpan<int>)[2, 4, 8])
        {
            SmallTree small = new(PathTreeTests.Grid(Sharing.Level, Sharing.Level, PathTreeTests.Level(1, experts), PathTreeTests.Level(1, experts)));

            // Both candidates behind one expert of the first level: three modules. Behind two of them: four.
            Assert.Equal(3 * sequences.Length, Evaluations(small, sequences, [0, 1]));
            Assert.Equal(4 * sequences.Length, Evaluations(small, sequences, [0, experts]));
            Assert.Equal(0, Evaluations(small, sequences, []));
        }
    }

    [Fact]
    public void ABranchThatNothingWants_IsNotLoaded()
    {
        SmallTree small = new(PathTreeTests.Options["grid"]);

        Evaluations(small, Sequences(), [0, 1]);

        Assert.Equal(1 + 2, small.Loads.Count);
    }

    [Fact]
    public void ManyPasses_LeaveNoTensorBehind()
    {
        SmallTree small = new(PathTreeTests.Options["grid"], ComputeType.Bf16);
        TokenBatch[] sequences = Sequences();
        ImmutableArray<int>[] wanted = Wanted(sequences.Length, small.Tree.PathCount, candidates: 3);
        using PathModel model = small.Path(new PathId(0));
        using CandidateTreeModel tree = small.CandidatesOver(model);
        tree.Evaluate(sequences, wanted, (_, _, _) => { }, CancellationToken.None);
        long live = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

        for (int pass = 0; pass < 10; pass++)
        {
            tree.Evaluate(sequences, wanted, (_, _, _) => { }, CancellationToken.None);
        }

        Assert.Equal(live, DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    private static long Evaluations(SmallTree small, TokenBatch[] sequences, ImmutableArray<int> wanted)
    {
        using PathModel model = small.Path(small.Topology.Paths[0]);
        using CandidateTreeModel tree = small.CandidatesOver(model);
        tree.Evaluate(sequences, [.. sequences.Select(_ => wanted)], (_, _, _) => { }, CancellationToken.None);
        return tree.ModuleEvaluations;
    }

    /// <summary>Sequences of three lengths, mixed, more of one than fit a micro-batch.</summary>
    private static TokenBatch[] Sequences() =>
        [.. Enumerable.Range(0, 13).Select(seed =>
        {
            int length = seed % 3 == 0 ? 24 : seed % 3 == 1 ? 8 : 16;
            (int[] tokens, int[] targets) = Paths.SmallPath.Batch(1, length, seed);
            return new TokenBatch(tokens, targets, length);
        })];

    private static ImmutableArray<int>[] Wanted(int sequences, int paths, int candidates) =>
        [.. Enumerable.Range(0, sequences).Select(sequence =>
        {
            RandomStream random = new(5, "wanted", sequence);
            return Enumerable.Range(0, paths).OrderBy(_ => random.NextDouble()).Take(candidates).Order().ToImmutableArray();
        })];
}
