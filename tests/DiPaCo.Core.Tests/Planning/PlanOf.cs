using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;

namespace DiPaCo.Core.Tests.Planning;

/// <summary>Short ways to a plan.</summary>
internal static class PlanOf
{
    public static RunPlan Example(string name) => RunPlan.Of(RunConfigLoader.Load(Repository.Example(name)).Config, new PlanAssumptions());

    public static RunPlan Text(string rest, PlanAssumptions? assumptions = null) => RunPlan.Of(
        RunConfigLoader.Parse((rest.StartsWith("data:", StringComparison.Ordinal) ? "" : "data: { paths: demo }\n") + rest, "run.yaml").Config, assumptions ?? new PlanAssumptions());
}
