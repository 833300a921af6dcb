namespace DiPaCo.Serving.Inference;

/// <summary>
/// The cache's memory: at most so many pages, allocated when they are first needed and used again afterwards. A sequence reserves all the pages that
/// it may come to need before it begins, so that none is stopped half-way for lack of memory. For one thread at a time.
/// </summary>
/// <param name="geometry">A page.</param>
/// <param name="pages">Most pages.</param>
internal sealed class PagePool(CacheGeometry geometry, int pages) : IDisposable
{
    private readonly Stack<NativeBlock> _free = new();
    private readonly List<NativeBlock> _all = [];

    /// <summary>A page.</summary>
    public CacheGeometry Geometry => geometry;

    /// <summary>Most pages.</summary>
    public int Capacity => pages;

    /// <summary>Pages that sequences have reserved.</summary>
    public int Reserved { get; private set; }

    /// <summary>Pages in memory.</summary>
    public int Allocated => _all.Count;

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
        foreach (NativeBlock page in _all)
        {
            page.Dispose();
        }

        _all.Clear();
        _free.Clear();
    }

    internal NativeBlock Take()
    {
        if (_free.TryPop(out NativeBlock? page))
        {
            return page;
        }

        page = new NativeBlock(geometry.PageBytes);
        _all.Add(page);
        return page;
    }

    internal void Return(IEnumerable<NativeBlock> taken, int reserved)
    {
        foreach (NativeBlock page in taken)
        {
            _free.Push(page);
        }

        Reserved -= reserved;
    }
}
