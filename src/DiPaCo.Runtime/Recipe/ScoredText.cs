using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Text whose documents were scored under every path: what is known for comparing routers on it.</summary>
/// <param name="Router">The router of documents.</param>
/// <param name="Chunks">The token chunks that were scored.</param>
/// <param name="Features">Features of all their documents; none where the router needs none.</param>
/// <param name="Losses">Loss matrices, which together have every path.</param>
/// <param name="Sequences">How documents became sequences.</param>
internal sealed record ScoredText(
    BlobHash Router, ImmutableArray<BlobHash> Chunks, ImmutableArray<BlobHash> Features, ImmutableArray<BlobHash> Losses, SequenceInput Sequences)
{
    /// <summary>The task that compares the router with its bounds.</summary>
    public RouterBoundsSpec Bounds => new(Router, Chunks, Features, Losses);
}
