namespace DiPaCo.Data;

/// <summary>Writes sequences of a corpus into the rows of a batch.</summary>
public sealed class SequenceWriter
{
    // Shapes that repeat let matrix kernels be reused, and multiples of 32 suit them.
    private const int LengthMultiple = 32;

    private readonly TokenCorpus _corpus;
    private int[] _run = [];

    /// <summary>Reads from this corpus; does not own it.</summary>
    public SequenceWriter(TokenCorpus corpus, SequenceOptions options)
    {
        options.Validate();
        _corpus = corpus;
        Options = options;
    }

    /// <summary>How documents are cut.</summary>
    public SequenceOptions Options { get; }

    /// <summary>The number of columns for rows of at most this length: rounded up, so that few shapes occur.</summary>
    public int Columns(int length) => Math.Min(Options.SequenceLength, (length + LengthMultiple - 1) / LengthMultiple * LengthMultiple);

    /// <summary>Writes one sequence into a row of a batch that was <see cref="Batch.Reset"/>.</summary>
    /// <param name="batch">Has room for the sequence.</param>
    /// <param name="row">The row.</param>
    /// <param name="document">The document.</param>
    /// <param name="slice">Which tokens of it.</param>
    /// <param name="prefixScored">Whether the prefix's tokens are targets.</param>
    internal void Write(Batch batch, int row, DocumentId document, SequenceSlice slice, bool prefixScored)
    {
        Span<int> tokens = batch.RowTokens(row);
        Span<int> targets = batch.RowTargets(row);
        int body = slice.Length - slice.Prefix;
        if (_run.Length < body + 1)
        {
            _run = new int[body + 1];
        }

        Span<int> run = _run.AsSpan(0, body + 1);
        _corpus.CopyTokens(document, 0, tokens[..slice.Prefix]);
        _corpus.CopyTokens(document, slice.Start, run);
        run[..body].CopyTo(tokens[slice.Prefix..]);

        int scored = Options.ScoredTargets(slice, prefixScored);
        int skipped = body - scored;
        run[(1 + skipped)..].CopyTo(targets[(slice.Prefix + skipped)..]);
        batch.ScoredTargets += scored;
        batch.PrefixColumns = Options.PrefixColumns;
    }
}
