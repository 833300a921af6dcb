using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Losses of documents under paths, in nats, summed over cells of tokens. A document's prefix is a cell of its own; the others begin
/// where it ends, and the last one may be short.
/// </summary>
internal sealed class LossMatrix
{
    /// <summary>Most numbers of a matrix: 1 GiB.</summary>
    public const long MostElements = EvaluationOptions.MostLosses;

    private readonly int[] _firstCell;

    /// <summary>Makes a matrix of zeros.</summary>
    /// <param name="paths">The columns.</param>
    /// <param name="documents">The documents, in the order of the corpus.</param>
    /// <param name="cell">Tokens of a cell; 0: all tokens of a document.</param>
    /// <exception cref="DiPaCoException">The matrix would be too large.</exception>
    public LossMatrix(ImmutableArray<PathId> paths, ImmutableArray<ScoredDocument> documents, int cell)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cell);
        Paths = paths;
        Documents = documents;
        Cell = cell;
        long cells = CellsOf(documents.AsSpan(), cell);
        if ((cells + documents.Length) * paths.Length > MostElements)
        {
            throw new DiPaCoException(
                $"The losses of {documents.Length:N0} documents in {cells:N0} cells under {paths.Length:N0} paths are too many numbers; {MostElements:N0} are possible. "
                + "Score fewer documents (evaluation.max_documents, evaluation.max_token_router_documents, discriminative.max_documents) or larger cells.");
        }

        _firstCell = new int[documents.Length + 1];
        for (int d = 0; d < documents.Length; d++)
        {
            _firstCell[d + 1] = _firstCell[d] + (int)CellsOf(documents[d].Tokens, cell);
        }

        Prefix = new float[documents.Length * paths.Length];
        Cells = new float[(int)cells * paths.Length];
    }

    /// <summary>The columns, in order of path ids.</summary>
    public ImmutableArray<PathId> Paths { get; }

    /// <summary>The documents, in the order of the corpus.</summary>
    public ImmutableArray<ScoredDocument> Documents { get; }

    /// <summary>Tokens of a cell; 0: all tokens of a document.</summary>
    public int Cell { get; }

    /// <summary>Losses of the prefixes, [documents, paths].</summary>
    public float[] Prefix { get; }

    /// <summary>Losses of the cells, document after document, [cells, paths].</summary>
    public float[] Cells { get; }

    /// <summary>Cells of all documents.</summary>
    public int CellCount => _firstCell[^1];

    /// <summary>The column of a path.</summary>
    /// <exception cref="DiPaCoException">The router knows a path that was not scored.</exception>
    public int ColumnOf(PathId path) => Paths.BinarySearch(path) is int column and >= 0 ? column : throw new DiPaCoException(
        $"The router chose path {path}, which was not scored; the scored ones are {string.Join(", ", Paths)}. It belongs to another topology.");

    /// <summary>How many cells documents have.</summary>
    public static long CellsOf(ReadOnlySpan<ScoredDocument> documents, int cell)
    {
        long cells = 0;
        foreach (ScoredDocument document in documents)
        {
            cells += CellsOf(document.Tokens, cell);
        }

        return cells;
    }

    /// <summary>The cells of a document.</summary>
    public Range CellsOf(int document) => _firstCell[document].._firstCell[document + 1];

    /// <summary>Losses of a cell under every path.</summary>
    public ReadOnlySpan<float> LossesOf(int cell) => Cells.AsSpan(cell * Paths.Length, Paths.Length);

    /// <summary>Losses of a document's prefix under every path.</summary>
    public ReadOnlySpan<float> PrefixOf(int document) => Prefix.AsSpan(document * Paths.Length, Paths.Length);

    /// <summary>Losses of a document behind its prefix under every path.</summary>
    public void SumOf(int document, Span<double> losses_P)
    {
        losses_P.Clear();
        for (int cell = _firstCell[document]; cell < _firstCell[document + 1]; cell++)
        {
            ReadOnlySpan<float> row = LossesOf(cell);
            for (int path = 0; path < row.Length; path++)
            {
                losses_P[path] += row[path];
            }
        }
    }

    /// <summary>Refuses a document that the corpus does not have in this length.</summary>
    /// <exception cref="DiPaCoException">The matrix is of another corpus.</exception>
    public void ThrowUnlessOf(TokenCorpus corpus, int document)
    {
        (DocumentId id, int tokens, int prefix, _) = Documents[document];
        if (id.Chunk >= corpus.Chunks.Count || id.Document >= corpus.Chunks[id.Chunk].DocumentCount
            || corpus[id].TokenCount != (long)tokens + prefix + 1)
        {
            throw new DiPaCoException(
                $"Losses of {tokens} + {prefix} tokens are stored for document {id}, which the token chunks do not have in that length. "
                + "The run is damaged: 'dipaco verify' says more.");
        }
    }

    /// <summary>One matrix of the columns of several, which hold the same documents in the same cells.</summary>
    /// <exception cref="ArgumentException">They do not, or a path is in two of them.</exception>
    public static LossMatrix Join(IReadOnlyList<LossMatrix> parts)
    {
        LossMatrix first = parts[0];
        if (parts.Any(part => part.Cell != first.Cell || !part.Documents.AsSpan().SequenceEqual(first.Documents.AsSpan())))
        {
            throw new ArgumentException("The matrices are of different documents or cells.", nameof(parts));
        }

        ImmutableArray<PathId> paths = [.. parts.SelectMany(part => part.Paths).Order()];
        if (paths.Distinct().Count() != paths.Length)
        {
            throw new ArgumentException("A path is in two of the matrices.", nameof(parts));
        }

        LossMatrix joined = new(paths, first.Documents, first.Cell);
        foreach (LossMatrix part in parts)
        {
            for (int path = 0; path < part.Paths.Length; path++)
            {
                int column = paths.BinarySearch(part.Paths[path]);
                Copy(part.Prefix, path, part.Paths.Length, joined.Prefix, column, paths.Length);
                Copy(part.Cells, path, part.Paths.Length, joined.Cells, column, paths.Length);
            }
        }

        return joined;
    }

    private static void Copy(float[] from, int column, int columns, float[] to, int target, int targets)
    {
        for (int row = 0; row < from.Length / columns; row++)
        {
            to[(row * targets) + target] = from[(row * columns) + column];
        }
    }

    /// <summary>How many cells a document of so many tokens behind its prefix has.</summary>
    public static long CellsOf(int tokens, int cell) => cell == 0 ? 1 : ((long)tokens + cell - 1) / cell;
}
