namespace DiPaCo.Core.Planning;

/// <summary>What a stage of a plan is for.</summary>
public enum PlannedWork
{
    /// <summary>Steps of the model itself, its base, and the dense models that it is compared with.</summary>
    Training,

    /// <summary>Features, documents scored under the paths for a router to learn from, and the training of a token router.</summary>
    Routing,

    /// <summary>What only measures: validation, the test split, bounds.</summary>
    Evaluation,
}
