using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Routing.Tests;

/// <summary>Where clusters are laid onto the grid, against every placement there is.</summary>
public sealed class GridPlacementTests
{
    /// <summary>Experts, replicas, the paths that exist, and how far above the smallest sum the search may end.</summary>
    public static TheoryData<int[], int, int[], double> Grids => new()
    {
        { [2, 3], 1, [0, 1, 2, 3, 4, 5], 0 },
        { [2, 1, 3], 1, [0, 1, 2, 3, 4, 5], 0 },
        { [3, 2], 1, [0, 2, 3, 4, 5], 0 },
        // Exchanges of two clusters end in a place that three at once could leave, where paths are missing.
        { [2, 2], 2, [0, 1, 2, 3, 5, 6, 7], 0.05 },
    };

    [Theory]
    [MemberData(nameof(Grids))]
    public void ThePlacement_HasTheSmallestVarianceWithinExperts_OfAllPlacements(int[] experts, int replicas, int[] ids, double excess)
    {
        PathGrid grid = new([.. experts], replicas);
        ImmutableArray<PathId> paths = [.. ids.Select(id => new PathId(id))];
        int[][] placements = [.. Permutations(paths.Length)];
        for (int seed = 0; seed < 8; seed++)
        {
            FeatureMatrix centroids = Blobs.Noise(paths.Length, 3, seed, scale: 2, shift: 1);

            double found = NaiveCost(GridPlacement.Place(centroids, grid, paths, seed), centroids, grid, paths);

            double smallest = placements.Min(placement => NaiveCost(placement, centroids, grid, paths));
            Assert.InRange(found, smallest - 1e-6, (smallest * (1 + excess)) + 1e-6);
        }
    }

    [Fact]
    public void TheCost_IsWhatIsLeftOfTheCentroidsVarianceWithinExperts() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[1, 3], Gen.Int[1, 9], Gen.Int[0, 1000]).Sample((first, second, replicas, width, seed) =>
        {
            PathGrid grid = new([first, second], replicas);
            RandomStream random = new(seed, "test-placement");
            ImmutableArray<PathId> paths = [.. Enumerable.Range(0, grid.Count).Where(id => id == 0 || random.NextInt32(4) > 0).Select(id => new PathId(id))];
            FeatureMatrix centroids = Blobs.Noise(paths.Length, width, seed);
            int[] clusters = [.. Enumerable.Range(0, paths.Length)];
            random.Shuffle<int>(clusters);

            double cost = GridPlacement.Cost(clusters, GridPlacement.Distances(centroids), GridPlacement.Affinity(grid, paths));

            Assert.Equal(NaiveCost(clusters, centroids, grid, paths), cost, 1e-5 * (1 + cost));
        });

    /// <summary>Σ over levels and experts of the squared distances of the expert's centroids to their mean.</summary>
    private static double NaiveCost(int[] clusterOf, FeatureMatrix centroids, PathGrid grid, ImmutableArray<PathId> paths)
    {
        double cost = 0;
        for (int level = 0; level < grid.Experts.Length; level++)
        {
            foreach (IGrouping<int, int> expert in Enumerable.Range(0, paths.Length).GroupBy(p => grid.ExpertsOf(paths[p])[level]))
            {
                for (int dimension = 0; dimension < centroids.Width; dimension++)
                {
                    double[] values = [.. expert.Select(p => (double)centroids.Row(clusterOf[p])[dimension])];
                    double mean = values.Average();
                    cost += values.Sum(value => (value - mean) * (value - mean));
                }
            }
        }

        return cost;
    }

    private static IEnumerable<int[]> Permutations(int count) => count == 0
        ? [[]]
        : Permutations(count - 1).SelectMany(shorter => Enumerable.Range(0, count).Select(at => (int[])[.. shorter[..at], count - 1, .. shorter[at..]]));
}
