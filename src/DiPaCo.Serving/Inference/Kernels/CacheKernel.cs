using System.Runtime.CompilerServices;
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
            int position = tile.Position + i;
            int slot = position % CacheGeometry.Positions;
            float* row = Qkv + ((nint)(tile.Row + i) * QkvWidth);
            float* page = tile.Pages[position / CacheGeometry.Positions] + BlockOffset;
            for (int head = 0; head < Heads; head++)
            {
                Rotation.Forward(row + (head * HeadWidth), position, Scale);
            }

            for (int head = 0; head < KeyValueHeads; head++)
            {
                float* key = row + ((Heads + head) * HeadWidth);
                float* value = key + (KeyValueHeads * HeadWidth);
                float* keys = page + (head * HeadFloats);
                float* values = keys + (CacheGeometry.Positions * PaddedHead);
                Rotation.Forward(key, position, 1);
                for (int d = 0; d < HeadWidth; d++)
                {
                    keys[(d * CacheGeometry.Positions) + slot] = key[d];
                    values[(slot * PaddedHead) + d] = value[d];
                }
            }
        }
    }
}
