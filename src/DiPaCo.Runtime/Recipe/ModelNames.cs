using System.Globalization;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What people call a topology.</summary>
internal static class ModelNames
{
    /// <summary><c>DiPaCo 4×4</c>, <c>DiPaCo 4×4 + path-private</c>, <c>flat mixture, 16 paths</c>, <c>DiLoCo, 8 paths</c>, <c>dense</c>.</summary>
    public static string Of(TopologyOptions topology)
    {
        bool isPrivate = topology.Levels.All(level => level.Sharing == Sharing.Private);
        int[] experts = [.. topology.Levels.Select(level => level.Experts).Where(count => count > 1)];
        if (isPrivate)
        {
            return string.Create(CultureInfo.InvariantCulture, $"flat mixture, {topology.Replicas} paths");
        }

        if (experts.Length == 0)
        {
            return topology.Replicas == 1 ? "dense, one path" : string.Create(CultureInfo.InvariantCulture, $"DiLoCo, {topology.Replicas} paths");
        }

        bool privateParts = topology.Embedding == Sharing.Private || topology.Head == Sharing.Private
            || topology.Levels.Any(level => level.Sharing == Sharing.Private || level.PrivateBlocks.Length > 0);
        return $"DiPaCo {string.Join('×', experts)}{(privateParts ? " + path-private" : "")}";
    }
}
