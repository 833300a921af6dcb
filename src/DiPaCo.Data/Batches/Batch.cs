namespace DiPaCo.Data;

/// <summary>
/// Sequences for one step, row after row, in arrays that are reused from step to step and never move in memory, so that a tensor can
/// be made of them without a copy.
/// </summary>
public sealed class Batch
{
    private readonly int[] _tokens;
    private readonly int[] _targets;

    /// <summary>Makes room for at most this many rows and columns.</summary>
    public Batch(int maximumRows, int maximumLength)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumRows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximumLength);
        MaximumRows = maximumRows;
        MaximumLength = maximumLength;
        _tokens = GC.AllocateArray<int>(checked(maximumRows * maximumLength), pinned: true);
        _targets = GC.AllocateArray<int>(maximumRows * maximumLength, pinned: true);
    }

    /// <summary>Rows there is room for.</summary>
    public int MaximumRows { get; }

    /// <summary>Columns there is room for.</summary>
    public int MaximumLength { get; }

    /// <summary>Sequences B in the batch.</summary>
    public int Rows { get; private set; }

    /// <summary>Positions T of each: the longest row, rounded up.</summary>
    public int Length { get; private set; }

    /// <summary>The step that the batch is for; 0 in evaluation.</summary>
    public long Step { get; internal set; }

    /// <summary>Leading columns whose targets belong to the prefix: <see cref="SequenceOptions.PrefixColumns"/>.</summary>
    public int PrefixColumns { get; internal set; }

    /// <summary>Targets that are scored, those of the prefix included.</summary>
    public int ScoredTargets { get; internal set; }

    /// <summary>Input tokens [B, T]; 0 behind the end of a short row, where nothing is scored.</summary>
    public Memory<int> Tokens => _tokens.AsMemory(0, Rows * Length);

    /// <summary>The token that each position predicts [B, T]; <see cref="SequenceOptions.Unscored"/> where it does not count.</summary>
    public Memory<int> Targets => _targets.AsMemory(0, Rows * Length);

    /// <summary>The tokens of a row.</summary>
    public Span<int> RowTokens(int row) => _tokens.AsSpan(row * Length, Length);

    /// <summary>The targets of a row.</summary>
    public Span<int> RowTargets(int row) => _targets.AsSpan(row * Length, Length);

    /// <summary>Empties the batch and gives it a shape.</summary>
    internal void Reset(int rows, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MaximumRows);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaximumLength);
        Rows = rows;
        Length = length;
        Step = 0;
        ScoredTargets = 0;
        Tokens.Span.Clear();
        Targets.Span.Fill(SequenceOptions.Unscored);
    }
}
