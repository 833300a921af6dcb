using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>The rule for the paths of a router: at least one, ascending, none negative, none twice.</summary>
internal static class RouterPaths
{
    public static bool AreValid(ReadOnlySpan<PathId> paths)
    {
        for (int at = 0; at < paths.Length; at++)
        {
            if (paths[at].Value < 0 || (at > 0 && paths[at] <= paths[at - 1]))
            {
                return false;
            }
        }

        return paths.Length > 0;
    }

    public static void ThrowIfInvalid(ImmutableArray<PathId> paths)
    {
        if (!AreValid(paths.AsSpan()))
        {
            throw new ArgumentException($"The paths of a router must be ascending and distinct, found [{string.Join(", ", paths)}].", nameof(paths));
        }
    }
}
