namespace DiPaCo.Runtime.Rules;

/// <summary>What became of a contribution.</summary>
public enum ContributionVerdict
{
    /// <summary>It will be part of the next version.</summary>
    Accepted,

    /// <summary>It was there before, or is part of a version that is published.</summary>
    Known,

    /// <summary>The module is not at its version yet: it has to come again later.</summary>
    Ahead,

    /// <summary>The path has no turn in this phase, or does not use the module.</summary>
    NotExpected,

    /// <summary>The path has brought other bytes for the same phase.</summary>
    Contradiction,
}
