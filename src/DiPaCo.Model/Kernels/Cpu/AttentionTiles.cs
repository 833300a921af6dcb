namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// Sizes of the fp32 tiles in which attention works through one head, and how many floats of scratch a thread needs.
/// Queries are taken <see cref="Queries"/> at a time against all keys up to the last of them.
/// </summary>
/// <param name="geometry">Dimensions.</param>
/// <param name="vector">What the width of a head is rounded up to a multiple of.</param>
internal readonly struct AttentionTiles(AttentionGeometry geometry, int vector = 16)
{
    /// <summary>Queries of a tile.</summary>
    public const int Queries = 32;

    /// <summary>Queries of which the backward pass keeps the scores, so that it adds to the keys' and values' gradients less often.</summary>
    public const int BlockQueries = 128;

    /// <summary>Positions, rounded up to whole tiles.</summary>
    public int Length { get; } = (geometry.Length + Queries - 1) / Queries * Queries;

    /// <summary>Head width, rounded up to whole vectors.</summary>
    public int Width { get; } = (geometry.HeadWidth + vector - 1) / vector * vector;

    /// <summary>Distance of the rows of a transposed tile: not a power of two, so that a column does not fall into one set of the cache.</summary>
    public int Stride => Length + 16;

    /// <summary>Floats of [position, width].</summary>
    public nint Rows => (nint)Length * Width;

    /// <summary>Floats of [width, position].</summary>
    public nint Transposed => (nint)Width * Stride;

    /// <summary>Floats of [query, width].</summary>
    public nint QueryTile => (nint)Queries * Width;

    /// <summary>Floats of [query, position].</summary>
    public nint ScoreTile => (nint)Queries * Stride;

    /// <summary>Floats of [queries of a block, width].</summary>
    public nint QueryBlock => (nint)BlockQueries * Width;

    /// <summary>Floats of [queries of a block, position].</summary>
    public nint ScoreBlock => (nint)BlockQueries * Stride;

    /// <summary>Floats of scratch of a thread: enough for both passes.</summary>
    public nint Scratch => (3 * Rows) + (2 * Transposed) + QueryTile + (2 * QueryBlock) + (2 * ScoreBlock);
}
