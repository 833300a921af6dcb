using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using DiPaCo.Model.Kernels.Cpu;

namespace DiPaCo.Serving.Inference;

/// <summary>Rotates the queries and keys of new positions, and writes keys and values into the cache. A chunk is one tile.</summary>
internal unsafe struct CacheKernel : IChunkKernel
{
    public AttentionTile* Tiles;
    public float* Qkv;
    public Rotation Rotation;
    public long HeadFloats;
    public long BlockOffset;
    public float Scale;
    public int QkvWidth;
    public int Heads;
    public int KeyValueHeads;
    public int HeadWidth;
    public int PaddedHead;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        AttentionTile tile = Tiles[chunk];
        for (int i = 0; i < tile.Count; i++)
        {
            float* row = Qkv + ((nint)(tile.Row + i) * QkvWidth);
            for (int head = 0; head < Heads; head++)
            {
                Rotation.Forward(row + (head * HeadWidth), tile.Position + i, Scale);
            }
        }

        bool isWhole = tile.Count == AttentionTile.MostRows && tile.Position % AttentionTile.MostRows == 0;
        for (int head = 0; head < KeyValueHeads; head++)
        {
            float* first = Qkv + ((nint)tile.Row * QkvWidth) + ((Heads + head) * HeadWidth);
            for (int i = 0; i < tile.Count; i++)
            {
                int position = tile.Position + i;
                float* key = first + ((nint)i * QkvWidth);
                float* keys = KeysOf(tile, position, head);
                float* values = keys + (CacheGeometry.Positions * PaddedHead) + (position % CacheGeometry.Positions * PaddedHead);
                Rotation.Forward(key, position, 1);
                new ReadOnlySpan<float>(key + (KeyValueHeads * HeadWidth), HeadWidth).CopyTo(new Span<float>(values, HeadWidth));
                if (!isWhole)
                {
                    keys += position % CacheGeometry.Positions;
                    for (int d = 0; d < HeadWidth; d++)
                    {
                        keys[d * CacheGeometry.Positions] = key[d];
                    }
                }
            }

            if (isWhole)
            {
                // Eight positions are neighbors in every row of the transposed keys.
                float* keys = KeysOf(tile, tile.Position, head) + (tile.Position % CacheGeometry.Positions);
                float* k1 = first + QkvWidth, k2 = k1 + QkvWidth, k3 = k2 + QkvWidth, k4 = k3 + QkvWidth, k5 = k4 + QkvWidth, k6 = k5 + QkvWidth, k7 = k6 + QkvWidth;
                for (int d = 0; d < HeadWidth; d++)
                {
                    Vector256.Create(first[d], k1[d], k2[d], k3[d], k4[d], k5[d], k6[d], k7[d]).Store(keys + (d * CacheGeometry.Positions));
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly float* KeysOf(AttentionTile tile, int position, int head) =>
        tile.Pages[position / CacheGeometry.Positions] + BlockOffset + (head * HeadFloats);
}
