using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Loss matrices as blobs: a safetensors file with <c>paths</c> [P], <c>documents</c> [N, 5] (chunk, document, tokens, prefix tokens,
/// bytes), <c>prefix</c> [N, P] and <c>cells</c> [C, P].
/// </summary>
internal static class LossMatrixCodec
{
    private const string FormatKey = "format";
    private const string FormatName = "dipaco.losses/1";
    private const string CellKey = "cell";
    private const string PathsName = "paths";
    private const string DocumentsName = "documents";
    private const string PrefixName = "prefix";
    private const string CellsName = "cells";
    private const int Fields = 5;

    /// <summary>Writes a matrix.</summary>
    public static void Write(LossMatrix matrix, Stream destination)
    {
        int paths = matrix.Paths.Length;
        SafeTensorsWriter writer = new(
            destination,
            [
                new TensorSpec(PathsName, TensorDType.I32, paths),
                new TensorSpec(DocumentsName, TensorDType.I32, matrix.Documents.Length, Fields),
                new TensorSpec(PrefixName, TensorDType.F32, matrix.Documents.Length, paths),
                new TensorSpec(CellsName, TensorDType.F32, matrix.CellCount, paths),
            ],
            [new(FormatKey, FormatName), new(CellKey, matrix.Cell.ToString(CultureInfo.InvariantCulture))]);
        writer.Append(MemoryMarshal.AsBytes<int>(matrix.Paths.Select(path => path.Value).ToArray()));
        int[] documents = new int[matrix.Documents.Length * Fields];
        for (int d = 0; d < matrix.Documents.Length; d++)
        {
            ScoredDocument document = matrix.Documents[d];
            ReadOnlySpan<int> fields = [document.Id.Chunk, document.Id.Document, document.Tokens, document.PrefixTokens, document.Bytes];
            fields.CopyTo(documents.AsSpan(d * Fields));
        }

        writer.Append(MemoryMarshal.AsBytes<int>(documents));
        writer.Append(MemoryMarshal.AsBytes<float>(matrix.Prefix));
        writer.Append(MemoryMarshal.AsBytes<float>(matrix.Cells));
        writer.Complete();
    }

    /// <summary>Reads a matrix.</summary>
    /// <exception cref="DiPaCoException">The file is missing, damaged, too large, or holds something else.</exception>
    public static LossMatrix Read(string file)
    {
        using SafeTensorsReader reader = SafeTensorsReader.Open(file);
        if (Text(reader, FormatKey) is var format && format != FormatName)
        {
            throw new SafeTensorsException(file, $"it is '{format}' where '{FormatName}' was expected");
        }

        string text = Text(reader, CellKey);
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int cell))
        {
            throw new SafeTensorsException(file, $"its cell is '{text}' where a whole number of tokens was expected");
        }

        ImmutableArray<PathId> paths = [.. Integers(reader, PathsName, 1).Select(path => new PathId(path))];
        ImmutableArray<ScoredDocument> documents = Documents(reader);
        if (paths.IsEmpty || paths[0].Value < 0 || paths.Zip(paths.Skip(1)).Any(pair => pair.First >= pair.Second))
        {
            throw new SafeTensorsException(file, "its paths are not ascending and distinct");
        }

        // Whoever says how many cells there are says it twice: in the documents and in the tensor, which the file really has.
        long rows = LossMatrix.CellsOf(documents.AsSpan(), cell);
        ThrowUnlessShape(reader, PrefixName, documents.Length, paths.Length);
        ThrowUnlessShape(reader, CellsName, rows, paths.Length);
        LossMatrix matrix = new(paths, documents, cell);
        reader.ReadInto<float>(PrefixName, matrix.Prefix);
        reader.ReadInto<float>(CellsName, matrix.Cells);
        return AllFinite(matrix.Prefix) && AllFinite(matrix.Cells)
            ? matrix
            : throw new SafeTensorsException(file, "it has a loss that is not finite");
    }

    /// <summary>Reads matrices of the same documents and joins their columns.</summary>
    /// <exception cref="DiPaCoException">One of them is missing, damaged, or too large.</exception>
    public static async Task<LossMatrix> ReadAllAsync(ImmutableArray<BlobHash> blobs, IBlobStore store, CancellationToken cancellationToken)
    {
        List<LossMatrix> parts = [];
        foreach (BlobHash blob in blobs)
        {
            parts.Add(Read(await store.GetFileAsync(blob, cancellationToken)));
        }

        return LossMatrix.Join(parts);
    }

    private static ImmutableArray<ScoredDocument> Documents(SafeTensorsReader reader)
    {
        int[] fields = Integers(reader, DocumentsName, Fields);
        ImmutableArray<ScoredDocument>.Builder documents = ImmutableArray.CreateBuilder<ScoredDocument>(fields.Length / Fields);
        for (int at = 0; at < fields.Length; at += Fields)
        {
            ScoredDocument document = new(new DocumentId(fields[at], fields[at + 1]), fields[at + 2], fields[at + 3], fields[at + 4]);
            bool follows = documents.Count == 0 ? document.Id >= new DocumentId(0, 0) : document.Id > documents[^1].Id;
            if (!follows || document.Id.Document < 0 || document.Tokens < 1 || document.PrefixTokens < 0 || document.Bytes < 0)
            {
                throw new SafeTensorsException(reader.Path, $"its document {documents.Count} is {document}; documents in ascending order, each of at least one token, were expected");
            }

            documents.Add(document);
        }

        return documents.MoveToImmutable();
    }

    private static string Text(SafeTensorsReader reader, string key) =>
        reader.Metadata.FirstOrDefault(pair => pair.Key == key).Value ?? throw new SafeTensorsException(reader.Path, $"it has no field '{key}'");

    private static int[] Integers(SafeTensorsReader reader, string name, int columns)
    {
        TensorSpec spec = reader.Find(name).Spec;
        int dimensions = columns == 1 ? 1 : 2;
        if (spec.DType != TensorDType.I32 || spec.Shape.Length != dimensions || spec.Shape[^1] % columns != 0
            || (dimensions == 2 && spec.Shape[1] != columns) || spec.Shape[0] > LossMatrix.MostElements / columns)
        {
            throw new SafeTensorsException(reader.Path, $"its tensor '{name}' is {spec}; at most {LossMatrix.MostElements} whole numbers in rows of {columns} were expected");
        }

        int[] values = new int[spec.Shape[0] * columns];
        reader.ReadInto<int>(name, values);
        return values;
    }

    private static void ThrowUnlessShape(SafeTensorsReader reader, string name, long rows, int columns)
    {
        TensorSpec expected = new(name, TensorDType.F32, rows, columns);
        if (!reader.Find(name).Spec.HasLayoutOf(expected) || rows * columns > LossMatrix.MostElements)
        {
            throw new SafeTensorsException(
                reader.Path, $"its tensor '{name}' is {reader.Find(name).Spec} where {expected}, at most {LossMatrix.MostElements} numbers, was expected");
        }
    }

    private static bool AllFinite(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                return false;
            }
        }

        return true;
    }
}
