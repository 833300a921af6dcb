namespace DiPaCo.Serving.Inference;

/// <summary>Which rows of a step go through which weights: rows on different paths that share a module are one group.</summary>
/// <typeparam name="TWeights">What they share.</typeparam>
/// <param name="rows">Most rows.</param>
internal sealed unsafe class RowGroups<TWeights>(int rows) : IDisposable
    where TWeights : class
{
    private readonly NativeBlock _rows = new((long)rows * sizeof(int));
    private readonly NativeBlock _jobs = new((long)rows * sizeof(ProductJob));
    private readonly Dictionary<TWeights, int> _index = new(ReferenceEqualityComparer.Instance);
    private readonly List<TWeights> _weights = [];
    private readonly List<int> _counts = [];
    private readonly int[] _groupOf = new int[rows];

    /// <summary>Number of groups.</summary>
    public int Count => _weights.Count;

    /// <summary>Groups rows [0, <paramref name="count"/>); groups are in the order of their first rows.</summary>
    public void Assign(ReadOnlySpan<TWeights> weightsOfRow, int count)
    {
        _index.Clear();
        _weights.Clear();
        _counts.Clear();
        TWeights? before = null;
        int group = -1;
        for (int row = 0; row < count; row++)
        {
            TWeights weights = weightsOfRow[row];
            if (!ReferenceEquals(weights, before))
            {
                before = weights;
                if (!_index.TryGetValue(weights, out group))
                {
                    group = _weights.Count;
                    _index.Add(weights, group);
                    _weights.Add(weights);
                    _counts.Add(0);
                }
            }

            _counts[group]++;
            _groupOf[row] = group;
        }

        Span<int> next = _counts.Count <= 256 ? stackalloc int[_counts.Count] : new int[_counts.Count];
        int start = 0;
        for (group = 0; group < next.Length; group++)
        {
            next[group] = start;
            start += _counts[group];
        }

        int* list = (int*)_rows.Pointer;
        for (int row = 0; row < count; row++)
        {
            list[next[_groupOf[row]]++] = row;
        }
    }

    /// <summary>One job a group.</summary>
    /// <param name="matrixOf">Which of the group's matrices.</param>
    public ProductJob* Jobs(Func<TWeights, PackedMatrix> matrixOf)
    {
        ProductJob* jobs = (ProductJob*)_jobs.Pointer;
        int* rows = (int*)_rows.Pointer;
        for (int group = 0; group < _weights.Count; group++)
        {
            jobs[group] = new ProductJob { Weights = matrixOf(_weights[group]), Rows = rows, RowCount = _counts[group] };
            rows += _counts[group];
        }

        return jobs;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _rows.Dispose();
        _jobs.Dispose();
    }
}
