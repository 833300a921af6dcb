using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Routes documents anew at every chunk of W tokens (paper §2.4.3): the first chunk goes where the document router sends the document,
/// each further one where the tokens before it point. A chunk's loss under a path is that of a whole pass under it: the context is
/// computed again under the new path. No blob; metrics: <see cref="RerouteMetrics"/>.
/// </summary>
/// <param name="Router">Who chooses: one, neither <see cref="ReroutingRouter.Both"/> nor <see cref="ReroutingRouter.All"/>.</param>
/// <param name="Model">The base model, whose features the document router knows; or the token router.</param>
/// <param name="DocumentRouter">The router of documents.</param>
/// <param name="Chunks">The token chunks that were scored.</param>
/// <param name="Features">Features of all their documents, chunk by chunk; none where the document router needs none.</param>
/// <param name="Losses">Loss matrices; together they have every path. Their cells divide all windows.</param>
/// <param name="Sequences">How documents become sequences.</param>
/// <param name="Windows">The lengths W.</param>
public sealed record RerouteSpec(
    ReroutingRouter Router, PathInput Model, BlobHash DocumentRouter, ImmutableArray<BlobHash> Chunks, ImmutableArray<BlobHash> Features,
    ImmutableArray<BlobHash> Losses, SequenceInput Sequences, ImmutableArray<int> Windows) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "reroute";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Model.Blobs, DocumentRouter, .. Chunks, .. Features, .. Losses];
}
