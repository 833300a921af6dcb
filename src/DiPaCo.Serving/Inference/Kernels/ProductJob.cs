namespace DiPaCo.Serving.Inference;

/// <summary>One product y[rows] = x[rows]·Wᵀ of some rows with one matrix; a loop does many of them.</summary>
internal unsafe struct ProductJob
{
    /// <summary>W, [N, K].</summary>
    public PackedMatrix Weights;

    /// <summary>The rows of x and y that go through it.</summary>
    public int* Rows;

    /// <summary>How many.</summary>
    public int RowCount;

    /// <summary>Number of the job's first chunk.</summary>
    public long FirstChunk;
}
