namespace DiPaCo.Build;

/// <summary>What a repair found and did.</summary>
internal enum RepairOutcome
{
    /// <summary>The file does not ask for the version, or accepts its absence already; it is unchanged.</summary>
    NotNeeded,

    /// <summary>The file was changed.</summary>
    Repaired,
}
