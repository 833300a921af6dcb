using System.Text.Json;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// What a task cost. Every task that computes a model or fits a router reports it as <c>flops</c> among its metrics, whatever else is there;
/// a task that only sorts, counts or averages reports none.
/// </summary>
internal static class TaskFlops
{
    /// <summary>Floating-point operations that a task reported; 0 where it reported none.</summary>
    public static double Of(TaskResult result) => JsonSerializer.Deserialize<Reported>(result.Metrics, TaskJson.Options)!.Flops;

    private sealed record Reported
    {
        public double Flops { get; init; }
    }
}
