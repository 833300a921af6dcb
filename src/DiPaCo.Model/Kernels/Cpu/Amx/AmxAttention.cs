using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu.Amx;

/// <summary>What both passes of attention on the matrix unit have in common.</summary>
internal static unsafe class AmxAttention
{
    private const int Queries = AmxAttentionBuffers.Queries;

    /// <summary>The sizes of a geometry's tiles.</summary>
    public static AttentionTiles TilesOf(AttentionGeometry geometry) => new(geometry, AmxProduct.Block);

    /// <summary>Bytes of scratch of one thread.</summary>
    public static nint ScratchBytes(AttentionTiles tiles) => new AmxAttentionBuffers(tiles, null).Bytes;

    /// <summary>A thread's part of the scratch.</summary>
    public static AmxAttentionBuffers BuffersOf(AttentionTiles tiles, byte* scratch, int worker) => new(tiles, scratch + (worker * ScratchBytes(tiles)));

    /// <summary>Which queries see a key: those that are not before it.</summary>
    /// <param name="queries">Counted from the first query of the tile.</param>
    /// <param name="first">That query.</param>
    /// <param name="key">The key.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Sees(Vector512<int> queries, int first, int key) =>
        key < first ? Vector512<int>.AllBitsSet.AsSingle() : Vector512.GreaterThanOrEqual(queries, Vector512.Create(key - first)).AsSingle();

    /// <summary>From [query, width] to pairs along the width, [width / 2, query].</summary>
    /// <param name="rows">[32, width].</param>
    /// <param name="width">The width.</param>
    /// <param name="halves">Room for the rounded rows.</param>
    /// <param name="turned">Receives the pairs.</param>
    public static void PairAlongWidth(float* rows, int width, ushort* halves, uint* turned)
    {
        AmxPacking.Round(rows, Queries * width, halves);
        AmxPacking.Turn((float*)halves, Queries, width / 2, (float*)turned);
    }

    /// <summary>scores[key, query] = Σ rows[key, d]·queries[query, d].</summary>
    public static void Score(ushort* rows, uint* queries, float* scores, int keys, int width) => AmxProduct.Multiply(new AmxOperands
    {
        A = rows, ARow = width * sizeof(ushort), ABlock = AmxProduct.Block * width * sizeof(ushort),
        B = queries, BRow = Queries * sizeof(uint),
        C = scores, CRow = Queries * sizeof(float),
        RowBlocks = keys / AmxProduct.Block, ColumnBlocks = 1, DepthBlocks = width / AmxProduct.Block,
    });
}
