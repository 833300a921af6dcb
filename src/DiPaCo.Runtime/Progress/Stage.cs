namespace DiPaCo.Runtime;

/// <summary>The stages of a run, in order.</summary>
public enum Stage
{
    /// <summary>Reading and checking the corpus.</summary>
    Corpus,

    /// <summary>Training or loading the tokenizer.</summary>
    Tokenizer,

    /// <summary>Text to token chunks.</summary>
    Tokens,

    /// <summary>The dense base model on all data.</summary>
    Base,

    /// <summary>Features of every document's prefix.</summary>
    Features,

    /// <summary>Router and shards.</summary>
    Shards,

    /// <summary>Phases of inner and outer steps.</summary>
    Phases,

    /// <summary>The dense baselines.</summary>
    Dense,

    /// <summary>Held-out perplexity.</summary>
    Evaluation,

    /// <summary>Report and plots.</summary>
    Report,

    /// <summary>Re-hashing a run: no stage of training, but shown like one.</summary>
    Verification,
}
