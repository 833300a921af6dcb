using System.Collections.Immutable;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>
/// Which paths take part in a phase (paper §2.6.2). A cycle is as many phases as it takes until every path had its turn; its
/// order is drawn anew for each cycle, so that no two paths always meet, and none is left behind.
/// </summary>
public sealed class PathTurns
{
    private readonly ImmutableArray<PathId> _paths;
    private readonly long _seed;
    private readonly int _perPhase;

    private PathTurns(ImmutableArray<PathId> paths, int perPhase, long seed)
    {
        _paths = paths;
        _perPhase = perPhase;
        _seed = seed;
    }

    /// <summary>Phases until every path had its turn.</summary>
    public int Cycle => (_paths.Length + _perPhase - 1) / _perPhase;

    /// <summary>The turns of a run.</summary>
    /// <param name="config">The run.</param>
    /// <param name="paths">Its paths.</param>
    public static PathTurns Of(RunConfig config, ImmutableArray<PathId> paths) => new(
        paths, config.Recipe.PathsPerPhase == 0 ? paths.Length : Math.Min(config.Recipe.PathsPerPhase, paths.Length), config.Seed);

    /// <summary>The paths of a phase, in order of their ids.</summary>
    public ImmutableArray<PathId> this[Phase phase]
    {
        get
        {
            if (_perPhase == _paths.Length)
            {
                return _paths;
            }

            (int cycle, int turn) = Math.DivRem(phase.Value, Cycle);
            PathId[] order = [.. _paths];
            new RandomStream(_seed, "path-turns", cycle).Shuffle<PathId>(order);
            int first = turn * _perPhase;
            return [.. order.Skip(first).Take(_perPhase).Order()];
        }
    }

    /// <summary>Number of paths of a phase: the last of a cycle has what is left.</summary>
    public int Count(Phase phase) => Math.Min(_perPhase, _paths.Length - (phase.Value % Cycle * _perPhase));
}
