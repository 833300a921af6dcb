namespace DiPaCo.Serving.Inference;

/// <summary>The pages of one sequence, in the order of its positions. What a page held before is overwritten before it is read.</summary>
internal sealed unsafe class SequenceCache : IDisposable
{
    private readonly PagePool _pool;
    private readonly NativeBlock _addresses;
    private readonly int _reserved;
    private int _pages;
    private bool _disposed;

    internal SequenceCache(PagePool pool, int reserved)
    {
        _pool = pool;
        _reserved = reserved;
        _addresses = new NativeBlock((long)reserved * sizeof(nint));
    }

    /// <summary>A page.</summary>
    public CacheGeometry Geometry => _pool.Geometry;

    /// <summary>Positions that are reserved.</summary>
    public int Capacity => _reserved * CacheGeometry.Positions;

    /// <summary>Addresses of the pages that exist so far.</summary>
    public float** Pages => (float**)_addresses.Pointer;

    /// <summary>Makes room for positions below <paramref name="positions"/>.</summary>
    /// <exception cref="InvalidOperationException">So many were not reserved.</exception>
    public void Grow(int positions)
    {
        if (positions > Capacity)
        {
            throw new InvalidOperationException($"{positions} positions were asked for, {Capacity} are reserved.");
        }

        while (_pages * CacheGeometry.Positions < positions)
        {
            Pages[_pages++] = _pool.Take();
        }
    }

    /// <summary>Gives the pages back.</summary>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _pool.Return(new ReadOnlySpan<nint>(_addresses.Pointer, _pages), _reserved);
            _addresses.Dispose();
        }
    }
}
