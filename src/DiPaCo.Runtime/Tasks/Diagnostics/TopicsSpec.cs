using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// What the training documents of each shard are about: their sources, and the tokens that tell the shard from the others. No blob;
/// metrics: <see cref="TopicsMetrics"/>.
/// </summary>
/// <param name="Shards">Every path's token chunks, in order of path ids.</param>
/// <param name="Tokenizer">Turns tokens back into text.</param>
/// <param name="Tokens">Tokens named per shard.</param>
public sealed record TopicsSpec(ImmutableArray<ShardInput> Shards, BlobHash Tokenizer, int Tokens) : TaskSpec
{
    /// <inheritdoc/>
    public override string Kind => "topics";

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [.. Shards.SelectMany(shard => shard.Chunks), Tokenizer];
}
