using System.Runtime.CompilerServices;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>
/// What a thread needs for one head of a sequence. Scores and what is made of them are [key, query]: maxima and sums of a query are then sums of vectors,
/// and what the products want in pairs of keys comes out in pairs. "Turned" is [width, ·].
/// </summary>
internal readonly unsafe struct AmxAttentionBuffers
{
    /// <summary>Queries of a tile.</summary>
    public const int Queries = AttentionTiles.Queries;

    private const int Alignment = 64;

    /// <summary>Divides memory.</summary>
    /// <param name="tiles">Length and width, rounded up to blocks.</param>
    /// <param name="start">The memory; null: only <see cref="Bytes"/> counts.</param>
    public AmxAttentionBuffers(AttentionTiles tiles, byte* start)
    {
        (nint length, nint width) = (tiles.Length, tiles.Width);

        // Not a power of two, so that a column does not fall into one set of the cache.
        Stride = tiles.Length + AmxProduct.Block;
        byte* next = start;
        Keys = Take<ushort>(ref next, length * width);
        KeysTurned = Take<ushort>(ref next, width * Stride);
        Values = Take<ushort>(ref next, length * width);
        ValuesTurned = Take<ushort>(ref next, width * Stride);
        Rows = Take<float>(ref next, Queries * width);
        Halves = Take<ushort>(ref next, Queries * width);
        QueryPairs = Take<uint>(ref next, Queries / 2 * width);
        QueryPairsTurned = Take<uint>(ref next, width / 2 * Queries);
        GradientRows = Take<float>(ref next, Queries * width);
        GradientPairs = Take<uint>(ref next, Queries / 2 * width);
        GradientPairsTurned = Take<uint>(ref next, width / 2 * Queries);
        Scores = Take<float>(ref next, length * Queries);
        ScoreGradients = Take<float>(ref next, length * Queries);
        Weights = Take<ushort>(ref next, length * Queries);
        WeightGradients = Take<ushort>(ref next, length * Queries);
        Pairs = Take<uint>(ref next, length / 2 * Queries);
        Turned = Take<float>(ref next, width * Queries);
        KeyGradients = Take<float>(ref next, length * width);
        ValueGradients = Take<float>(ref next, length * width);
        Bytes = (nint)next - (nint)start;
    }

    /// <summary>Size of everything.</summary>
    public nint Bytes { get; }

    /// <summary>Elements from a row of what is turned to the next.</summary>
    public int Stride { get; }

    /// <summary>bf16 [key, width].</summary>
    public ushort* Keys { get; }

    /// <summary>bf16 [width, key].</summary>
    public ushort* KeysTurned { get; }

    /// <summary>bf16 [key, width].</summary>
    public ushort* Values { get; }

    /// <summary>bf16 [width, key].</summary>
    public ushort* ValuesTurned { get; }

    /// <summary>fp32 [query, width]: queries, outputs, gradients of queries.</summary>
    public float* Rows { get; }

    /// <summary>bf16 [query, width], for a moment.</summary>
    public ushort* Halves { get; }

    /// <summary>Pairs of queries, [query / 2, width].</summary>
    public uint* QueryPairs { get; }

    /// <summary>Pairs along the width, [width / 2, query].</summary>
    public uint* QueryPairsTurned { get; }

    /// <summary>fp32 [query, width]: gradients of outputs.</summary>
    public float* GradientRows { get; }

    /// <summary>Pairs of queries, [query / 2, width].</summary>
    public uint* GradientPairs { get; }

    /// <summary>Pairs along the width, [width / 2, query].</summary>
    public uint* GradientPairsTurned { get; }

    /// <summary>fp32 [key, query].</summary>
    public float* Scores { get; }

    /// <summary>fp32 [key, query].</summary>
    public float* ScoreGradients { get; }

    /// <summary>bf16 [key, query].</summary>
    public ushort* Weights { get; }

    /// <summary>bf16 [key, query].</summary>
    public ushort* WeightGradients { get; }

    /// <summary>Pairs of keys, [key / 2, query].</summary>
    public uint* Pairs { get; }

    /// <summary>fp32 [width, query].</summary>
    public float* Turned { get; }

    /// <summary>fp32 [key, width].</summary>
    public float* KeyGradients { get; }

    /// <summary>fp32 [key, width].</summary>
    public float* ValueGradients { get; }

    private static T* Take<T>(ref byte* next, nint count)
        where T : unmanaged
    {
        byte* taken = next;
        next += ((count * Unsafe.SizeOf<T>()) + Alignment - 1) / Alignment * Alignment;
        return (T*)taken;
    }
}
