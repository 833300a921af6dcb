using System.Collections.Immutable;

namespace DiPaCo.Cluster;

/// <summary>What has happened in a run since somebody last asked.</summary>
/// <param name="Run">Where it stands.</param>
/// <param name="Session">Which host's events these are: another host begins to count anew.</param>
/// <param name="Next">Number of the next event.</param>
/// <param name="Events">The events, as <see cref="Runtime.RunEventJson"/> writes them.</param>
[GenerateSerializer]
[Immutable]
[Alias("dipaco.run-news")]
public sealed record RunNews(RunLine Run, long Session, long Next, ImmutableArray<string> Events);
