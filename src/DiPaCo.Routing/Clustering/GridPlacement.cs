using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Lays clusters onto the grid of paths. Sought is the placement with the smallest sum, over the levels and their
/// experts, of the squared distances between the centroids of an expert's paths, each expert's sum divided by the number
/// of its paths: what is left of the centroids' variance within experts. On a full grid it is the placement that a sum
/// of one vector per expert explains best, which is what the sharing of modules can express.
/// </summary>
internal static class GridPlacement
{
    private const int MostStarts = 8;

    /// <summary>For each path, the cluster that it gets: exchanges of two clusters from several random starts, until none helps.</summary>
    public static int[] Place(FeatureMatrix centroids, PathGrid grid, ImmutableArray<PathId> paths, long seed)
    {
        double[,] distances = Distances(centroids);
        double[,] affinity = Affinity(grid, paths);
        int[] best = [.. Enumerable.Range(0, paths.Length)];
        double lowest = Cost(best, distances, affinity);
        // A sweep takes P³ steps: with a thousand paths one start has to do.
        int starts = Math.Clamp(2048 / paths.Length, 1, MostStarts);
        for (int start = 0; start < starts; start++)
        {
            int[] order = [.. Enumerable.Range(0, paths.Length)];
            new RandomStream(seed, "grid-placement", start).Shuffle<int>(order);
            Exchange(order, distances, affinity);
            double cost = Cost(order, distances, affinity);
            (best, lowest) = cost < lowest * (1 - 1e-9) ? (order, cost) : (best, lowest);
        }

        return best;
    }

    /// <summary>The sum that <see cref="Place"/> makes small.</summary>
    /// <param name="clusterOf">The cluster of each path.</param>
    /// <param name="distances">Squared distances between clusters.</param>
    /// <param name="affinity">What two paths share.</param>
    public static double Cost(int[] clusterOf, double[,] distances, double[,] affinity)
    {
        double cost = 0;
        for (int p = 0; p < clusterOf.Length; p++)
        {
            for (int q = 0; q < p; q++)
            {
                cost += affinity[p, q] * distances[clusterOf[p], clusterOf[q]];
            }
        }

        return cost;
    }

    /// <summary>Squared distances between the rows.</summary>
    public static double[,] Distances(FeatureMatrix rows)
    {
        double[,] distances = new double[rows.Rows, rows.Rows];
        for (int i = 0; i < rows.Rows; i++)
        {
            for (int j = 0; j < i; j++)
            {
                distances[i, j] = distances[j, i] = RowMath.SquaredDistance(rows.Row(i), rows.Row(j));
            }
        }

        return distances;
    }

    /// <summary>Σ over the levels on which two paths share an expert of 1 / (paths of that expert).</summary>
    public static double[,] Affinity(PathGrid grid, ImmutableArray<PathId> paths)
    {
        double[,] affinity = new double[paths.Length, paths.Length];
        for (int level = 0; level < grid.Experts.Length; level++)
        {
            int[] expert = [.. paths.Select(path => grid.ExpertsOf(path)[level])];
            int[] size = new int[grid.Experts[level]];
            foreach (int e in expert)
            {
                size[e]++;
            }

            for (int p = 0; p < paths.Length; p++)
            {
                for (int q = 0; q < paths.Length; q++)
                {
                    affinity[p, q] += p != q && expert[p] == expert[q] ? 1.0 / size[expert[p]] : 0;
                }
            }
        }

        return affinity;
    }

    private static void Exchange(int[] order, double[,] distances, double[,] affinity)
    {
        // A margin, so that rounding cannot exchange equal clusters for ever.
        double margin = 1e-9 * Cost(order, distances, affinity) / order.Length;
        bool improved = true;
        while (improved)
        {
            improved = false;
            for (int p = 0; p < order.Length; p++)
            {
                for (int q = 0; q < p; q++)
                {
                    if (Gain(order, p, q, distances, affinity) > margin)
                    {
                        (order[p], order[q]) = (order[q], order[p]);
                        improved = true;
                    }
                }
            }
        }
    }

    private static double Gain(int[] order, int p, int q, double[,] distances, double[,] affinity)
    {
        double gain = 0;
        for (int r = 0; r < order.Length; r++)
        {
            if (r != p && r != q)
            {
                gain += (affinity[p, r] - affinity[q, r]) * (distances[order[p], order[r]] - distances[order[q], order[r]]);
            }
        }

        return gain;
    }
}
