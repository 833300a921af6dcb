using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Serving.Scheduling;

/// <summary>What a router said.</summary>
/// <param name="Path">The path with the highest score, the lowest id among equals.</param>
/// <param name="Scores">One a path, in the order of their ids.</param>
/// <param name="Features">What it looked at.</param>
internal sealed record PathChoice(PathId Path, ImmutableArray<float> Scores, ImmutableArray<float> Features)
{
    /// <summary>Chooses by scores.</summary>
    public static PathChoice Of(ImmutableArray<PathId> paths, ImmutableArray<float> scores, ImmutableArray<float> features)
    {
        int best = 0;
        for (int column = 1; column < scores.Length; column++)
        {
            best = scores[column] > scores[best] ? column : best;
        }

        return new PathChoice(paths[best], scores, features);
    }
}
