using System.Collections.Immutable;

namespace DiPaCo.Serving.Sampling;

/// <summary>How the next token is drawn from the logits.</summary>
public sealed record SamplingOptions
{
    /// <summary>Divides the logits; 0: the likeliest token always. Default 1.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only the likeliest tokens that together have this probability; 1: all. Default 1.</summary>
    public double TopP { get; init; } = 1;

    /// <summary>Only so many of the likeliest tokens; 0: all. Default 0.</summary>
    public int TopK { get; init; }

    /// <summary>Only tokens at least this share as likely as the likeliest; 0: all. Default 0.</summary>
    public double MinP { get; init; }

    /// <summary>Divides the positive and multiplies the negative logits of tokens that occurred, in the prompt or since; 1: none. Default 1.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>Taken from a token's logit once for every time that it was written. Default 0.</summary>
    public double FrequencyPenalty { get; init; }

    /// <summary>Taken from a token's logit if it was written at all. Default 0.</summary>
    public double PresencePenalty { get; init; }

    /// <summary>Added to tokens' logits.</summary>
    public ImmutableSortedDictionary<int, double> LogitBias { get; init; } = ImmutableSortedDictionary<int, double>.Empty;

    /// <summary>Seed of the draws.</summary>
    public long Seed { get; init; }
}
