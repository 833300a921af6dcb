using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Recipe;

/// <summary>The corpus as tokens.</summary>
/// <param name="Manifest">What it was when the run began.</param>
/// <param name="Tokenizer">The tokenizer's blob.</param>
/// <param name="Chunks">Token chunks with the documents of all splits, in the order of the corpus.</param>
/// <param name="Summary">Numbers for people.</param>
/// <param name="UsableTrain">Training documents that are longer than the routing prefix.</param>
internal sealed record PreparedCorpus(BlobHash Manifest, BlobHash Tokenizer, ImmutableArray<BlobHash> Chunks, CorpusSummary Summary, long UsableTrain)
{
    /// <summary>The tokenizer's chat template; null: it has none.</summary>
    public BlobHash? ChatTemplate { get; init; }

    public IEnumerable<BlobHash> Blobs => ChatTemplate is { } template ? [Manifest, Tokenizer, .. Chunks, template] : [Manifest, Tokenizer, .. Chunks];
}
