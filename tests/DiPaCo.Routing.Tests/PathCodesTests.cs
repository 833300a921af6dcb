using System.Collections.Immutable;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Routing.Tests;

public sealed class PathCodesTests
{
    [Fact]
    public void GroupsAreTheLevelsWithExperts_AndTheReplicas()
    {
        PathGrid grid = new([3, 1, 2], 2);
        PathCodes codes = new(grid, ShardAssignmentTests.Paths(12));
        Assert.Equal([3, 2, 2], codes.Sizes);
        for (int path = 0; path < 12; path++)
        {
            ImmutableArray<int> experts = grid.ExpertsOf(new PathId(path));
            Assert.Equal([experts[0], experts[2], path % 2], codes.Of(path).ToArray());
        }
    }

    [Fact]
    public void OnePathAlone_HasOneCode() => Assert.Equal([1], new PathCodes(new PathGrid([1, 1], 1), ShardAssignmentTests.Paths(1)).Sizes);

    [Fact]
    public void PathsOutsideTheGrid_AndCodesWithoutAPath_AreRefused()
    {
        PathGrid grid = new([2, 2], 1);
        Assert.Contains("not one of the grid's 4", Assert.Throws<ArgumentException>(() => new PathCodes(grid, [new(0), new(1), new(2), new(4)])).Message, StringComparison.Ordinal);
        Assert.Contains("use 1 of 2 codes of group 1", Assert.Throws<ArgumentException>(() => new PathCodes(grid, [new(0), new(1)])).Message, StringComparison.Ordinal);
    }
}
