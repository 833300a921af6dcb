namespace DiPaCo.Routing;

/// <summary>Features that lie in several sources, one behind the other.</summary>
public sealed class JoinedFeatures : IFeatureSource
{
    private readonly IFeatureSource[] _sources;
    private readonly int[] _ends;

    /// <summary>Joins sources of one width; does not own them.</summary>
    /// <param name="sources">At least one.</param>
    /// <exception cref="ArgumentException">There is none, or their widths differ, or they have more than 2³¹ − 1 rows together.</exception>
    public JoinedFeatures(IReadOnlyList<IFeatureSource> sources)
    {
        if (sources.Count == 0 || sources.Any(source => source.Width != sources[0].Width) || sources.Sum(source => (long)source.Rows) > int.MaxValue)
        {
            throw new ArgumentException("At least one source, all of one width, with at most 2^31 − 1 rows in all, was expected.", nameof(sources));
        }

        _sources = [.. sources];
        _ends = new int[sources.Count];
        int end = 0;
        for (int i = 0; i < _ends.Length; i++)
        {
            end += sources[i].Rows;
            _ends[i] = end;
        }

        Rows = end;
        Width = sources[0].Width;
    }

    /// <inheritdoc/>
    public int Rows { get; }

    /// <inheritdoc/>
    public int Width { get; }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Read(int first, int count, Span<float> scratch)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Rows - first);
        if (count == 0)
        {
            return [];
        }

        int at = Array.BinarySearch(_ends, first);
        at = at < 0 ? ~at : at;
        while (_ends[at] <= first)
        {
            at++;
        }

        int start = _ends[at] - _sources[at].Rows;
        if (first + count <= _ends[at])
        {
            return _sources[at].Read(first - start, count, scratch);
        }

        for (int done = 0; done < count; at++)
        {
            start = _ends[at] - _sources[at].Rows;
            int piece = Math.Min(count - done, _ends[at] - (first + done));
            Span<float> place = scratch.Slice(done * Width, piece * Width);
            ReadOnlySpan<float> rows = _sources[at].Read(first + done - start, piece, place);
            if (rows != place)
            {
                rows.CopyTo(place);
            }

            done += piece;
        }

        return scratch[..(count * Width)];
    }
}
