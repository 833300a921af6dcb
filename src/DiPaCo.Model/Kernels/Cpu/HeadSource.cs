using System.Runtime.CompilerServices;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>Loads the queries, keys and values of one sequence into tiles: queries rotated and scaled, keys rotated.</summary>
/// <param name="geometry">Dimensions.</param>
/// <param name="tiles">Sizes of the tiles.</param>
/// <param name="rotation">Angles.</param>
/// <param name="qkv">[M, (H + 2·KV)·head width].</param>
/// <param name="firstRow">The sequence's first row.</param>
internal readonly unsafe struct HeadSource<TElement>(AttentionGeometry geometry, AttentionTiles tiles, Rotation rotation, void* qkv, nint firstRow)
    where TElement : IElement
{
    /// <summary>First element of query head <paramref name="head"/> at position <paramref name="t"/>.</summary>
    public nint QueryAt(int head, int t) => ((firstRow + t) * geometry.QkvWidth) + ((nint)head * geometry.HeadWidth);

    public nint KeyAt(int head, int t) => QueryAt(geometry.Heads + head, t);

    public nint ValueAt(int head, int t) => QueryAt(geometry.Heads + geometry.KeyValueHeads + head, t);

    /// <summary>Asks for the query, and with the first query head of a group for the key and value, at position <paramref name="t"/>.</summary>
    public void Ahead(int head, int t)
    {
        HeadRows.Ahead<TElement>(qkv, QueryAt(head, t), geometry.HeadWidth);
        if (head % geometry.Group == 0)
        {
            HeadRows.Ahead<TElement>(qkv, KeyAt(head / geometry.Group, t), geometry.HeadWidth);
            HeadRows.Ahead<TElement>(qkv, ValueAt(head / geometry.Group, t), geometry.HeadWidth);
        }
    }

    /// <summary>32 queries from position <paramref name="first"/> on; those beyond the sequence are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void LoadQueries(int head, int first, float* target)
    {
        for (int row = 0; row < AttentionTiles.Queries; row++)
        {
            float* query = target + (row * tiles.Width);
            int t = first + row;
            if (t < geometry.Length)
            {
                HeadRows.Load<TElement>(qkv, QueryAt(head, t), query, geometry.HeadWidth, tiles.Width);
                rotation.Forward(query, t, geometry.Scale);
            }
            else
            {
                new Span<float>(query, tiles.Width).Clear();
            }
        }
    }

    /// <summary>All keys: transposed, and if <paramref name="rows"/> is not null also as rows.</summary>
    /// <param name="head">Key head.</param>
    /// <param name="scratch">Room for 16 rows.</param>
    /// <param name="rows">[position, width] or null.</param>
    /// <param name="transposed">[width, position].</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void LoadKeys(int head, float* scratch, float* rows, float* transposed)
    {
        for (int first = 0; first < tiles.Length; first += 16)
        {
            float* target = rows == null ? scratch : rows + (first * tiles.Width);
            LoadKeyRows(head, first, target);
            HeadRows.Transpose16(target, tiles.Width, transposed + first, tiles.Stride);
        }
    }

    /// <summary>All values as rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void LoadValues(int head, float* rows)
    {
        for (int t = 0; t < tiles.Length; t++)
        {
            LoadOrClear(ValueAt(head, t), t, rows + (t * tiles.Width));
        }
    }

    /// <summary>All values transposed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void LoadValuesTransposed(int head, float* scratch, float* transposed)
    {
        for (int first = 0; first < tiles.Length; first += 16)
        {
            LoadValueRows(head, first, scratch);
            HeadRows.Transpose16(scratch, tiles.Width, transposed + first, tiles.Stride);
        }
    }

    /// <summary>16 keys from position <paramref name="first"/> on, rotated; those beyond the sequence are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void LoadKeyRows(int head, int first, float* target)
    {
        for (int row = 0; row < 16; row++)
        {
            LoadOrClear(KeyAt(head, first + row), first + row, target + (row * tiles.Width));
            if (first + row < geometry.Length)
            {
                rotation.Forward(target + (row * tiles.Width), first + row, 1);
            }
        }
    }

    /// <summary>16 values from position <paramref name="first"/> on; those beyond the sequence are zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void LoadValueRows(int head, int first, float* target)
    {
        for (int row = 0; row < 16; row++)
        {
            LoadOrClear(ValueAt(head, first + row), first + row, target + (row * tiles.Width));
        }
    }

    private void LoadOrClear(nint at, int t, float* target)
    {
        if (t < geometry.Length)
        {
            HeadRows.Load<TElement>(qkv, at, target, geometry.HeadWidth, tiles.Width);
        }
        else
        {
            new Span<float>(target, tiles.Width).Clear();
        }
    }
}
