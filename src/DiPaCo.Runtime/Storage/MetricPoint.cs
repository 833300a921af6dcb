namespace DiPaCo.Runtime.Storage;

/// <summary>Measurements of one moment of one task.</summary>
/// <param name="Task">The key of the task.</param>
/// <param name="Kind">What was measured, for example <c>train</c>.</param>
/// <param name="Step">The moment, counted by the task.</param>
/// <param name="Values">The numbers by name; they may be infinite or not numbers.</param>
public sealed record MetricPoint(string Task, string Kind, long Step, IReadOnlyDictionary<string, double> Values);
