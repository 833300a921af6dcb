using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>Whether a router that was read from a file belongs to a model and its documents.</summary>
public static class RouterMatch
{
    /// <summary>Refuses a router of other paths, or of features of another width.</summary>
    /// <param name="router">The router.</param>
    /// <param name="paths">The paths of the model.</param>
    /// <param name="input">The documents that it shall route.</param>
    /// <exception cref="DiPaCoException">It was fitted for another topology or another base model.</exception>
    public static void ThrowIfOther(IRouter router, ImmutableArray<PathId> paths, RouterInput input)
    {
        if (!router.Paths.SequenceEqual(paths))
        {
            throw new DiPaCoException(
                $"The router chooses among {Names(router.Paths)}, but the model has {Names(paths)}: it was fitted for another topology. "
                + "Fit one for this topology, or use the topology that it was fitted for.");
        }

        int width = input.HasFeatures ? input.Features.Width : 0;
        if (router.FeatureWidth > 0 && router.FeatureWidth != width)
        {
            throw new DiPaCoException(
                $"The router needs {router.FeatureWidth} features of a document, but {(width == 0 ? "the documents come without" : $"the base model gives {width}")}: "
                + "it was fitted to another base model. Fit one to this base model, or use the base model that it was fitted to.");
        }
    }

    private static string Names(ImmutableArray<PathId> paths)
    {
        const int most = 8;
        string first = string.Join(", ", paths.Take(most).Select(path => path.Value));
        return $"{paths.Length} path{(paths.Length == 1 ? "" : "s")} ({first}{(paths.Length > most ? ", …" : "")})";
    }
}
