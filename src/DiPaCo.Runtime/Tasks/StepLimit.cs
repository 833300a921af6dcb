namespace DiPaCo.Runtime.Tasks;

/// <summary>How far to go with a task that can be divided between two of its steps. Where it is cut reaches no result.</summary>
public sealed record StepLimit
{
    /// <summary>To the end.</summary>
    public static StepLimit None { get; } = new();

    /// <summary>Part of the steps that are left that are made at most, above 0 to 1: less than 1 on a slow worker. At least one step is made.</summary>
    public double Share { get; init; } = 1;

    /// <summary>Part of the whole task that must have been made since the start of this call for a stop to be worth saving the state. Default 0.2.</summary>
    public double WorthSaving { get; init; } = 0.2;

    /// <summary>Asks to stop after the current step: with the state where it is worth it, otherwise with an <see cref="OperationCanceledException"/>.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Keeps the state from time to time while the task goes on; null: nobody does.</summary>
    public ITaskCheckpoints? Checkpoints { get; init; }
}
