namespace DiPaCo.Core.Planning;

/// <summary>How well a plan knows the text.</summary>
public enum CorpusBasis
{
    /// <summary>Not at all: it was not looked at.</summary>
    Assumed,

    /// <summary>A part of it was read.</summary>
    Sampled,

    /// <summary>All documents were counted; tokens follow from their length.</summary>
    Counted,
}
