using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>What a run wants of a path: a segment, and the path's turns in it.</summary>
/// <param name="Number">Grows with each order of the run.</param>
/// <param name="Segment">The phases.</param>
/// <param name="Turns">The phases in which the path trains, in order.</param>
/// <param name="Modules">Its modules.</param>
/// <param name="Optimizer">AdamW's moments at the start; null: zeros.</param>
/// <param name="StepsMade">Steps that it has made before, on whatever shard.</param>
/// <param name="Weight">Weight of its contributions, before they are normalised.</param>
public sealed record PathOrder(
    long Number, Segment Segment, ImmutableArray<PathTurn> Turns, ImmutableArray<ModuleId> Modules, BlobHash? Optimizer, long StepsMade, double Weight)
{
    /// <summary>The path's first turn at or after a phase; null: none is left.</summary>
    public PathTurn? TurnFrom(Phase phase)
    {
        foreach (PathTurn turn in Turns)
        {
            if (turn.Phase.Value >= phase.Value)
            {
                return turn;
            }
        }

        return null;
    }
}
