using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// Paths as tuples of codes: one group of codes for each level with more than one expert, and a last one for the replicas where there
/// are several. In order of their ids, paths with the same first codes stand together, so a prefix of codes is a range of columns.
/// </summary>
public sealed class PathCodes
{
    private readonly int[] _codes;

    /// <summary>Numbers the codes of some paths of a grid.</summary>
    /// <param name="grid">The numbering of the paths.</param>
    /// <param name="paths">The paths, in order of their ids; not necessarily all of the grid.</param>
    /// <exception cref="ArgumentException">A path is not of the grid, or some expert (or replica) belongs to no path.</exception>
    public PathCodes(PathGrid grid, ImmutableArray<PathId> paths)
    {
        RouterPaths.ThrowIfInvalid(paths);
        int[] radices = [.. grid.Experts, grid.Replicas];
        int[] groups = [.. Enumerable.Range(0, radices.Length).Where(radix => radices[radix] > 1)];
        // One path alone still has a code: that of its only cluster.
        groups = groups.Length == 0 ? [radices.Length - 1] : groups;
        if (paths[^1].Value >= grid.Count)
        {
            throw new ArgumentException($"Path {paths[^1]} is not one of the grid's {grid.Count}.", nameof(paths));
        }

        Grid = grid;
        Sizes = [.. groups.Select(group => radices[group])];
        _codes = new int[paths.Length * groups.Length];
        for (int column = 0; column < paths.Length; column++)
        {
            int[] all = [.. grid.ExpertsOf(paths[column]), paths[column].Value % grid.Replicas];
            for (int group = 0; group < groups.Length; group++)
            {
                _codes[(column * groups.Length) + group] = all[groups[group]];
            }
        }

        ThrowIfUnused();
    }

    /// <summary>The numbering of the paths.</summary>
    public PathGrid Grid { get; }

    /// <summary>Number of codes K_g of each group; at least one group.</summary>
    public ImmutableArray<int> Sizes { get; }

    /// <summary>The codes of a path, one for each group.</summary>
    /// <param name="column">Column of the path among the scores.</param>
    public ReadOnlySpan<int> Of(int column) => _codes.AsSpan(column * Sizes.Length, Sizes.Length);

    // Also what bounds the size of codebooks that a file may ask for: no group has more codes than there are paths.
    private void ThrowIfUnused()
    {
        for (int group = 0; group < Sizes.Length; group++)
        {
            HashSet<int> used = [];
            for (int at = group; at < _codes.Length; at += Sizes.Length)
            {
                used.Add(_codes[at]);
            }

            if (used.Count < Sizes[group])
            {
                throw new ArgumentException($"The paths use {used.Count} of {Sizes[group]} codes of group {group + 1}; every code in at least one path was expected.");
            }
        }
    }
}
