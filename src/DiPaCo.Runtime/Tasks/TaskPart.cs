namespace DiPaCo.Runtime.Tasks;

/// <summary>What came of a task that may be divided: exactly one of the two.</summary>
/// <param name="Result">Its result; null: it is not at its end.</param>
/// <param name="State">Where it stands; null: at its end.</param>
public sealed record TaskPart(TaskResult? Result, InnerState? State);
