using DiPaCo.Core;

namespace DiPaCo.Runtime;

/// <summary>The model in numbers.</summary>
/// <param name="Paths">Number of paths.</param>
/// <param name="Modules">Number of modules.</param>
/// <param name="ParametersPerPath">Parameters of one path.</param>
/// <param name="ParametersTotal">Parameters of all modules.</param>
public sealed record ModelSummary(int Paths, int Modules, long ParametersPerPath, long ParametersTotal)
{
    internal static ModelSummary Of(ModelTopology topology) => new(
        topology.Paths.Length, topology.Modules.Length,
        topology.ModulesOf(topology.Paths[0]).Sum(module => module.Layout.Parameters), topology.Parameters);
}
