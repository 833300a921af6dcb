namespace DiPaCo.Core;

/// <summary>The smallest unit that a module can own: the embedding, one block, or the head (final norm and output matrix).</summary>
/// <param name="Kind">Which kind of part.</param>
/// <param name="Block">Zero-based number of the block in the whole stack; 0 for other kinds.</param>
public readonly record struct TransformerPart(TransformerPartKind Kind, int Block)
{
    /// <summary>The token embedding.</summary>
    public static TransformerPart Embedding => new(TransformerPartKind.Embedding, 0);

    /// <summary>The final norm and, unless tied to the embedding, the output matrix.</summary>
    public static TransformerPart Head => new(TransformerPartKind.Head, 0);

    /// <summary>Block <paramref name="number"/> of the stack, counted from 0.</summary>
    public static TransformerPart OfBlock(int number) => new(TransformerPartKind.Block, number);

    /// <summary>All parts of a transformer, bottom up.</summary>
    public static IEnumerable<TransformerPart> All(int blocks) =>
        [Embedding, .. Enumerable.Range(0, blocks).Select(OfBlock), Head];
}
