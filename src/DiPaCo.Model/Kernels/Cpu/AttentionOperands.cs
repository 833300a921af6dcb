namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>What every kernel of attention reads and writes. A chunk is one key and value head of one sequence, with the query heads that share it.</summary>
internal unsafe struct AttentionOperands
{
    public AttentionGeometry Geometry;
    public AttentionTiles Tiles;
    public Rotation Rotation;

    /// <summary>[M, (H + 2·KV)·head width]; the backward pass overwrites it by its gradient.</summary>
    public void* Qkv;

    /// <summary>[M, H·head width].</summary>
    public void* Heads;

    /// <summary>[M, H].</summary>
    public float* LogSums;

    /// <summary>Threads that share the chunks: a guess at what comes next, without effect on results.</summary>
    public int Threads;

    public readonly long Chunks => (long)Geometry.Sequences * Geometry.KeyValueHeads;

    /// <summary>The chunk that a thread will probably have after this one, or this one where there is none.</summary>
    public readonly long After(long chunk) => chunk + Threads < Chunks ? chunk + Threads : chunk;

    /// <summary>A chunk's key and value head, and its sequence's first row.</summary>
    public readonly (int KeyValueHead, nint FirstRow) PlaceOf(long chunk)
    {
        (long sequence, long head) = Math.DivRem(chunk, Geometry.KeyValueHeads);
        return ((int)head, (nint)sequence * Geometry.Length);
    }

    /// <summary>Loads the tiles of the sequence that begins at a row.</summary>
    public readonly HeadSource<TElement> SourceAt<TElement>(nint firstRow)
        where TElement : IElement => new(Geometry, Tiles, Rotation, Qkv, firstRow);

    /// <summary>First element of a head in a row of <see cref="Heads"/>.</summary>
    public readonly nint HeadAt(nint row, int head) => (row * Geometry.OutputWidth) + ((nint)head * Geometry.HeadWidth);

    /// <summary>The place of a head's logarithm in <see cref="LogSums"/>.</summary>
    public readonly nint LogSumAt(nint row, int head) => (row * Geometry.Heads) + head;
}
