namespace DiPaCo.Cluster;

/// <summary>Where a run's journal stands.</summary>
/// <param name="Rewritten">How often it was written anew.</param>
/// <param name="Lines">How many lines it has.</param>
internal readonly record struct JournalState(long Rewritten, long Lines);
