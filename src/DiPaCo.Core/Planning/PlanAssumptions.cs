namespace DiPaCo.Core.Planning;

/// <summary>What a plan cannot know from the configuration alone. Whatever is null leaves the figures that need it out.</summary>
public sealed record PlanAssumptions
{
    /// <summary>Entries of the vocabulary where <c>tokenizer.file</c> names an existing tokenizer; null: the configuration's.</summary>
    public int? Vocabulary { get; init; }

    /// <summary>Sustained rate of one worker in training, in floating-point operations per second (see <see cref="TransformerShape.TrainingFlopsPerToken"/>).</summary>
    public double? FlopsPerSecond { get; init; }

    /// <summary>Workers that train paths at the same time, at least 1.</summary>
    public int Workers { get; init; } = 1;

    /// <summary>Tokens of the whole corpus.</summary>
    public long? CorpusTokens { get; init; }

    /// <summary>Documents of the whole corpus.</summary>
    public long? CorpusDocuments { get; init; }
}
