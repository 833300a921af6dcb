using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Serving.Inference;

/// <summary>
/// What a page of the cache holds of its positions: for every block and key head the keys transposed, [head width, positions], and the values,
/// [positions, head width]; and the residual stream as it enters those blocks at which paths may part, [positions, D], so that a path switch
/// can begin there.
/// </summary>
internal sealed class CacheGeometry
{
    /// <summary>Positions of a page: the lanes of a register.</summary>
    public const int Positions = 16;

    private readonly int[] _boundaryOf;

    /// <summary>Lays out a page.</summary>
    /// <param name="shape">The transformer.</param>
    /// <param name="boundaries">Blocks above the first whose input is kept, ascending; none where paths are never switched.</param>
    public CacheGeometry(TransformerShape shape, ImmutableArray<int> boundaries)
    {
        Shape = shape;
        Boundaries = boundaries;
        PaddedHead = (shape.HeadWidth + 15) / 16 * 16;
        HeadFloats = 2L * Positions * PaddedHead;
        ResidualOffset = shape.Blocks * shape.KeyValueHeads * HeadFloats;
        PageFloats = ResidualOffset + ((long)boundaries.Length * Positions * shape.Width);
        _boundaryOf = [.. Enumerable.Range(0, shape.Blocks + 1).Select(block => boundaries.IndexOf(block))];
    }

    /// <summary>The transformer.</summary>
    public TransformerShape Shape { get; }

    /// <summary>Blocks whose input is kept.</summary>
    public ImmutableArray<int> Boundaries { get; }

    /// <summary>Head width rounded up to whole registers.</summary>
    public int PaddedHead { get; }

    /// <summary>Floats of one head's keys and values.</summary>
    public long HeadFloats { get; }

    /// <summary>First float of the kept inputs.</summary>
    public long ResidualOffset { get; }

    /// <summary>Floats of a page.</summary>
    public long PageFloats { get; }

    /// <summary>Bytes of a page.</summary>
    public long PageBytes => PageFloats * sizeof(float);

    /// <summary>Pages of so many positions.</summary>
    public static int PagesOf(int positions) => (positions + Positions - 1) / Positions;

    /// <summary>First float of the input of a block at a slot of a page; −1 where it is not kept.</summary>
    public long ResidualAt(int block, int slot) =>
        _boundaryOf[block] < 0 ? -1 : ResidualOffset + (((_boundaryOf[block] * Positions) + slot) * (long)Shape.Width);

    /// <summary>The last block at or below <paramref name="block"/> at which a pass can begin.</summary>
    public int StartAtOrBelow(int block)
    {
        int start = 0;
        foreach (int boundary in Boundaries)
        {
            start = boundary <= block ? boundary : start;
        }

        return start;
    }
}
