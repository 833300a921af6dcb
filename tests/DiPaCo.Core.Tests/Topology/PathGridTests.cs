using System.Collections.Immutable;
using CsCheck;
using Xunit;

namespace DiPaCo.Core.Tests.Topology;

public sealed class PathGridTests
{
    private static readonly Gen<PathGrid> Grids = Gen.Select(Gen.Int[1, 5].Array[1, 5], Gen.Int[1, 3], (experts, replicas) => new PathGrid(experts, replicas));

    [Fact]
    public void IdsAndChoicesOfExperts_AreOneToOne() => Grids.Sample(grid =>
    {
        for (int id = 0; id < grid.Count; id++)
        {
            ImmutableArray<int> experts = grid.ExpertsOf(new PathId(id));
            Assert.Equal(new PathId(id), grid.IdOf(experts.AsSpan(), id % grid.Replicas));
        }
    });

    [Fact]
    public void IdsAreCountedLikeDigits_FirstLevelMostSignificant()
    {
        PathGrid grid = new([2, 3], replicas: 2);

        Assert.Equal(12, grid.Count);
        Assert.Equal(
            ["0,0", "0,0", "0,1", "0,1", "0,2", "0,2", "1,0", "1,0", "1,1", "1,1", "1,2", "1,2"],
            Enumerable.Range(0, 12).Select(id => string.Join(',', grid.ExpertsOf(new PathId(id)))));
    }

    [Fact]
    public void TheLargestGridOfThePaper_HasItsNumberOfPaths() => Assert.Equal(32_768, new PathGrid([32, 32, 32], 1).Count);

    [Theory]
    [InlineData(new[] { 2, 0 }, 1)]
    [InlineData(new[] { 2 }, 0)]
    [InlineData(new[] { 65_536, 65_536 }, 1)]
    public void ImpossibleGrids_AreRefused(int[] experts, int replicas) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new PathGrid(experts, replicas));

    [Fact]
    public void ChoicesAndPathsOutside_AreRefused()
    {
        PathGrid grid = new([2, 3], 1);

        Assert.Throws<ArgumentOutOfRangeException>(() => grid.IdOf([2, 0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => grid.IdOf([0]));
        Assert.Throws<ArgumentOutOfRangeException>(() => grid.IdOf([0, 0], replica: 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => grid.ExpertsOf(new PathId(6)));
        Assert.Throws<ArgumentOutOfRangeException>(() => grid.ExpertsOf(new PathId(-1)));
    }
}
