using System.Text.Json;
using System.Text.Json.Nodes;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using DiPaCo.Runtime;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>plan --json</c> writes: all that the plan shows people.</summary>
internal static class PlanJson
{
    /// <summary>The plan's keys, the complete configuration as YAML, and why nothing is known of the text where that is so.</summary>
    public static JsonObject Of(RunPlan plan, LoadedConfig loaded, string? corpusProblem)
    {
        JsonObject json = JsonSerializer.SerializeToNode(plan, RunJson.Indented)!.AsObject();
        json["configuration"] = ResolvedYaml.Write(loaded);
        json["corpusProblem"] = corpusProblem;
        return json;
    }
}
