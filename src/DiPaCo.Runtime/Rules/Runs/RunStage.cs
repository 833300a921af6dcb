namespace DiPaCo.Runtime.Rules;

/// <summary>What a run does.</summary>
public enum RunStage
{
    /// <summary>Corpus, tokenizer, base model, router and shards are made.</summary>
    Preparing,

    /// <summary>Paths and modules go through a segment.</summary>
    Training,

    /// <summary>A segment has ended: validation, re-sharding.</summary>
    BetweenSegments,

    /// <summary>The last segment has ended: evaluation.</summary>
    Finishing,

    /// <summary>Nothing is left to do.</summary>
    Done,

    /// <summary>Somebody has stopped it; it goes on where it was.</summary>
    Paused,

    /// <summary>It cannot go on without help.</summary>
    Failed,

    /// <summary>All parties are told that it is deleted.</summary>
    Deleting,

    /// <summary>All parties know that it is deleted.</summary>
    Deleted,
}
