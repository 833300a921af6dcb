using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>How documents become sequences; part of a task because it reaches the bytes.</summary>
/// <param name="Length">Tokens of a sequence, T.</param>
/// <param name="PrefixTokens">Tokens with which every sequence of a document begins.</param>
/// <param name="LossOnPrefix">Whether training counts the prefix's loss; evaluation always reports both.</param>
/// <param name="MicroBatch">Sequences computed at once.</param>
/// <param name="LengthWindow">Batches whose sequences are sorted by length among each other, so that little is padding.</param>
public sealed record SequenceInput(int Length, int PrefixTokens, bool LossOnPrefix, int MicroBatch, int LengthWindow)
{
    /// <summary>The batches that a path trains on, each a function of shard, seed, path and step.</summary>
    /// <param name="shard">The path's token chunks.</param>
    /// <param name="seed">The run's pseudo-random seed.</param>
    /// <param name="path">The path.</param>
    /// <param name="batchSequences">Sequences of a step.</param>
    /// <exception cref="DiPaCoException">The shard has no document longer than the prefix.</exception>
    internal ShardBatches BatchesOf(TokenCorpus shard, long seed, PathId path, int batchSequences) => new(
        shard, Shard.Of(shard, shard.Documents(Split.Train)), new SequenceOptions(Length, PrefixTokens, LossOnPrefix),
        new ShardOrderOptions(seed, path, batchSequences, LengthWindow));
}
