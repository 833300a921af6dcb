namespace DiPaCo.Serving.Inference;

/// <summary>Some consecutive positions of one sequence whose attention is computed together.</summary>
internal unsafe struct AttentionTile
{
    /// <summary>Most rows of a tile.</summary>
    public const int MostRows = 8;

    /// <summary>The sequence's pages.</summary>
    public float** Pages;

    /// <summary>The tile's first row in the buffers of the step.</summary>
    public int Row;

    /// <summary>That row's position in its sequence.</summary>
    public int Position;

    /// <summary>Rows, 1 to <see cref="MostRows"/>.</summary>
    public int Count;
}
