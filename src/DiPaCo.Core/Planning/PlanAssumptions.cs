namespace DiPaCo.Core.Planning;

/// <summary>What a plan cannot know from the configuration alone.</summary>
public sealed record PlanAssumptions
{
    /// <summary>Entries of the vocabulary where <c>tokenizer.file</c> names an existing tokenizer; null: the configuration's.</summary>
    public int? Vocabulary { get; init; }

    /// <summary>Sustained rate of one worker in training, in floating-point operations per second (see <see cref="TransformerShape.TrainingFlopsPerToken"/>); null: no times.</summary>
    public double? FlopsPerSecond { get; init; }

    /// <summary>Workers that train paths at the same time, at least 1.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>The text; null: <see cref="PlannedCorpus.Assumed"/>.</summary>
    public PlannedCorpus? Corpus { get; init; }
}
