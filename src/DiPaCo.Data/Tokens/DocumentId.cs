using System.Globalization;

namespace DiPaCo.Data;

/// <summary>A document of a tokenized corpus.</summary>
/// <param name="Chunk">The chunk's number in the corpus, from 0.</param>
/// <param name="Document">The document's number in the chunk, from 0.</param>
public readonly record struct DocumentId(int Chunk, int Document) : IComparable<DocumentId>
{
    /// <inheritdoc/>
    public int CompareTo(DocumentId other) => Chunk != other.Chunk ? Chunk.CompareTo(other.Chunk) : Document.CompareTo(other.Document);

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Chunk}:{Document}");

    /// <summary>Orders by chunk, then document.</summary>
    public static bool operator <(DocumentId left, DocumentId right) => left.CompareTo(right) < 0;

    /// <summary>Orders by chunk, then document.</summary>
    public static bool operator >(DocumentId left, DocumentId right) => left.CompareTo(right) > 0;

    /// <summary>Orders by chunk, then document.</summary>
    public static bool operator <=(DocumentId left, DocumentId right) => left.CompareTo(right) <= 0;

    /// <summary>Orders by chunk, then document.</summary>
    public static bool operator >=(DocumentId left, DocumentId right) => left.CompareTo(right) >= 0;
}
