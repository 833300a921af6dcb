using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What people call a run's models.</summary>
internal static class ModelNames
{
    /// <summary>The name of a model in tables and plots.</summary>
    public static string Of(ModelKind kind, TopologyOptions topology) => kind switch
    {
        ModelKind.Routed => Of(topology),
        ModelKind.RoutedRandom => $"{Of(topology)}, random router",
        ModelKind.RoutedOracle => $"{Of(topology)}, best path in hindsight",
        ModelKind.RoutedRounded => $"{Of(topology)}, rounded weights",
        ModelKind.Rerouted => $"{Of(topology)}, re-routed",
        ModelKind.DenseEqualSteps => "dense, equal steps",
        ModelKind.DenseEqualFlops => "dense, equal training FLOPs",
        ModelKind.DenseBase => "dense, base before the fork",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not a kind of model."),
    };

    /// <summary>The name of a model whose weights are rounded.</summary>
    public static string Rounded(IWeightRounding rounding, TopologyOptions topology) => $"{Of(topology)}, {rounding.Name}";

    /// <summary>The name of a model that is re-routed every so many tokens.</summary>
    public static string Rerouted(ReroutingRouter router, int window, TopologyOptions topology) => string.Create(
        CultureInfo.InvariantCulture, $"{Of(ModelKind.Rerouted, topology)} every {window} by the {Of(router)}");

    private static string Of(ReroutingRouter router) => router switch
    {
        ReroutingRouter.Prefix => "prefix router",
        ReroutingRouter.Chunk => "document router on the chunk before",
        ReroutingRouter.Document => "document router on all before",
        ReroutingRouter.Token => "token router",
        _ => throw new ArgumentOutOfRangeException(nameof(router), router, "Several routers have no name in common."),
    };

    /// <summary><c>DiPaCo 4×4</c>, <c>DiPaCo 4×4 + path-private</c>, <c>flat mixture, 16 paths</c>, <c>DiLoCo, 8 paths</c>, <c>dense</c>.</summary>
    private static string Of(TopologyOptions topology)
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
