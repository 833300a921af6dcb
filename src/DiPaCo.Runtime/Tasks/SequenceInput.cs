namespace DiPaCo.Runtime.Tasks;

/// <summary>How documents become sequences; part of a task because it reaches the bytes.</summary>
/// <param name="Length">Tokens of a sequence, T.</param>
/// <param name="PrefixTokens">Tokens with which every sequence of a document begins.</param>
/// <param name="LossOnPrefix">Whether training counts the prefix's loss; evaluation always reports both.</param>
/// <param name="MicroBatch">Sequences computed at once.</param>
/// <param name="LengthWindow">Batches whose sequences are sorted by length among each other, so that little is padding.</param>
public sealed record SequenceInput(int Length, int PrefixTokens, bool LossOnPrefix, int MicroBatch, int LengthWindow);
