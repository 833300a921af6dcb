namespace DiPaCo.Serving.Inference;

/// <summary>
/// The cache's memory: at most so many pages, allocated some at a time when they are first needed and used again afterwards. A sequence reserves all the pages that
/// it may come to need before it begins, so that none is stopped half-way for lack of memory. For one thread at a time.
/// </summary>
/// <param name="geometry">A page.</param>
/// <param name="pages">Most pages.</param>
internal sealed unsafe class PagePool(CacheGeometry geometry, int pages) : IDisposable
{
    // Large enough to lie in large pages of the processor's: a step reads keys and values at thousands of places.
    private const long SlabBytes = 16 << 20;

    private readonly Stack<nint> _free = new();
    private readonly List<NativeBlock> _slabs = [];

    /// <summary>A page.</summary>
    public CacheGeometry Geometry => geometry;

    /// <summary>Most pages.</summary>
    public int Capacity => pages;

    /// <summary>Pages that sequences have reserved.</summary>
    public int Reserved { get; private set; }

    /// <summary>Pages in memory.</summary>
    public int Allocated { get; private set; }

    /// <summary>Reserves the pages of so many positions; null where they are not to be had now.</summary>
    public SequenceCache? TryReserve(int positions)
    {
        int wanted = CacheGeometry.PagesOf(positions);
        if (Reserved + wanted > pages)
        {
            return null;
        }

        Reserved += wanted;
        return new SequenceCache(this, wanted);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (NativeBlock slab in _slabs)
        {
            slab.Dispose();
        }

        _slabs.Clear();
        _free.Clear();
    }

    internal float* Take()
    {
        if (_free.Count == 0)
        {
            AddSlab();
        }

        return (float*)_free.Pop();
    }

    internal void Return(ReadOnlySpan<nint> taken, int reserved)
    {
        foreach (nint page in taken)
        {
            _free.Push(page);
        }

        Reserved -= reserved;
    }

    private void AddSlab()
    {
        int count = (int)Math.Clamp(SlabBytes / geometry.PageBytes, 1, pages - Allocated);
        NativeBlock slab = new(count * geometry.PageBytes);
        _slabs.Add(slab);
        Allocated += count;
        for (int page = count - 1; page >= 0; page--)
        {
            _free.Push((nint)(slab.Floats + (page * geometry.PageFloats)));
        }
    }
}
