namespace DiPaCo.Routing;

/// <summary>What routers may know of documents: their features, the hash of their origin, or both. Documents are numbered from 0.</summary>
public sealed class RouterInput
{
    private readonly IFeatureSource? _features;
    private readonly ReadOnlyMemory<ulong>? _origins;

    /// <summary>Documents with features, with origins, or with both, in the same order.</summary>
    /// <param name="features">One row per document; null where no router needs them.</param>
    /// <param name="origins">The 64-bit hash of each document's origin; null where no router needs them.</param>
    /// <exception cref="ArgumentException">Both are null, or their numbers of documents differ.</exception>
    public RouterInput(IFeatureSource? features, ReadOnlyMemory<ulong>? origins = null)
    {
        if ((features?.Rows ?? origins?.Length) is not int documents || documents != (origins?.Length ?? documents))
        {
            throw new ArgumentException(
                $"Features of {features?.Rows} and origins of {origins?.Length} documents; equally many, or one of the two, were expected.", nameof(origins));
        }

        _features = features;
        _origins = origins;
        Documents = documents;
    }

    /// <summary>Number of documents.</summary>
    public int Documents { get; }

    /// <summary>Whether there are features.</summary>
    public bool HasFeatures => _features is not null;

    /// <summary>One row of features per document.</summary>
    /// <exception cref="InvalidOperationException">This input has none.</exception>
    public IFeatureSource Features => _features ?? throw new InvalidOperationException("This router needs features, and the documents come without.");

    /// <summary>The hash of each document's origin.</summary>
    /// <exception cref="InvalidOperationException">This input has none.</exception>
    public ReadOnlySpan<ulong> Origins =>
        _origins is { } origins ? origins.Span : throw new InvalidOperationException("This router needs origins, and the documents come without.");

    /// <summary>Some of the documents, in the order given.</summary>
    public RouterInput Select(ReadOnlyMemory<int> documents)
    {
        ulong[]? origins = null;
        if (_origins is { } all)
        {
            origins = new ulong[documents.Length];
            for (int at = 0; at < origins.Length; at++)
            {
                origins[at] = all.Span[documents.Span[at]];
            }
        }

        return new RouterInput(
            _features is null ? null : new SelectedFeatures(_features, documents), origins is null ? null : (ReadOnlyMemory<ulong>?)origins);
    }
}
