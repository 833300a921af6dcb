using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// How documents become sequences. Every sequence begins with the prefix of its document, the tokens that the router saw
/// (paper §2.4): a path is only ever shown text behind the prefix that led to it.
/// </summary>
/// <param name="SequenceLength">Positions T of a sequence.</param>
/// <param name="PrefixLength">Tokens P of the prefix, the end-of-text token at the document's beginning included. Default 32.</param>
/// <param name="LossOnPrefix">Whether the prefix's own tokens are targets in training (paper §2.4 and Figure 3 disagree). Default true.</param>
/// <remarks>
/// Of a document of n tokens, tokens 1 … n − 1 are targets, each exactly once. The first sequence has the tokens 0 … T − 1 as inputs.
/// Each further one has the prefix again, unscored, and the next T − P tokens; the last one reaches back over tokens that were scored before,
/// as context, so that it is full. Only a document's single sequence can be shorter than T.
/// A document of at most P tokens has nothing to predict behind its prefix: it makes no sequence.
/// </remarks>
public sealed record SequenceOptions(int SequenceLength, int PrefixLength = 32, bool LossOnPrefix = true)
{
    /// <summary>Marks a position that is not scored, in <see cref="Batch.Targets"/>.</summary>
    public const int Unscored = -1;

    /// <summary>
    /// The leading columns of any batch whose targets are prefix tokens (or unscored): P − 1, since position t predicts token t + 1.
    /// Leaving out these columns is leaving out the prefix.
    /// </summary>
    public int PrefixColumns => PrefixLength - 1;

    /// <summary>Refuses lengths that leave no room behind the prefix.</summary>
    public void Validate()
    {
        if (PrefixLength < 1 || SequenceLength <= PrefixLength || SequenceLength > 1 << 20)
        {
            throw new DiPaCoException(
                $"Sequences of {SequenceLength} tokens with a prefix of {PrefixLength} are not possible: the prefix has at least 1 token, a sequence more than its prefix and at most {1 << 20}.");
        }
    }

    /// <summary>Whether a document of so many tokens makes any sequence.</summary>
    public bool IsUsable(int tokenCount) => tokenCount > PrefixLength;

    /// <summary>How many sequences a document of so many tokens makes.</summary>
    public int SequencesOf(int tokenCount)
    {
        int targets = tokenCount - 1;
        int further = SequenceLength - PrefixLength;
        return !IsUsable(tokenCount) ? 0
            : targets <= SequenceLength ? 1
            : 1 + ((targets - SequenceLength - 1) / further) + 1;
    }

    /// <summary>How many targets of a sequence are scored.</summary>
    /// <param name="slice">The sequence.</param>
    /// <param name="prefixScored">Whether the prefix's tokens are targets.</param>
    public int ScoredTargets(SequenceSlice slice, bool prefixScored) =>
        prefixScored ? slice.ScoredTargets : Math.Max(0, (slice with { FirstTarget = Math.Max(slice.FirstTarget, PrefixLength) }).ScoredTargets);

    /// <summary>Which tokens the sequence <paramref name="ordinal"/> of a document of so many tokens has.</summary>
    public SequenceSlice Slice(int tokenCount, int ordinal)
    {
        if (ordinal == 0)
        {
            return new SequenceSlice(Prefix: 0, Start: 0, Length: Math.Min(SequenceLength, tokenCount - 1), FirstTarget: 1);
        }

        int body = SequenceLength - PrefixLength;
        int next = SequenceLength + ((ordinal - 1) * body);
        return new SequenceSlice(PrefixLength, Math.Min(next, tokenCount - 1 - body), SequenceLength, next + 1);
    }
}
