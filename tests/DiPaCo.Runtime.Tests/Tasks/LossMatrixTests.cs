using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Storage;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Loss matrices are read as they were written, or not at all.</summary>
public sealed class LossMatrixTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 1 + 16 + 40)]
    [InlineData(16, 1 + 1 + 3)]
    public void AMatrix_IsReadAsItWasWritten(int cell, int cells)
    {
        LossMatrix matrix = LossMatrices.Random(1, paths: 3, cell, 1, 16, 40);

        LossMatrix read = LossMatrixCodec.Read(Write(matrix));

        Assert.Equal(cells, matrix.CellCount);
        Assert.Equal(matrix.Paths.AsEnumerable(), read.Paths);
        Assert.Equal(matrix.Documents.AsEnumerable(), read.Documents);
        Assert.Equal(matrix.Cell, read.Cell);
        Assert.Equal(matrix.Prefix, read.Prefix);
        Assert.Equal(matrix.Cells, read.Cells);
    }

    [Fact]
    public void AMatrixWithoutDocuments_IsAMatrixToo() =>
        Assert.Empty(LossMatrixCodec.Read(Write(LossMatrices.Random(1, paths: 2, cell: 16))).Documents);

    [Fact]
    public void JoinedColumns_AreInTheOrderOfThePaths()
    {
        LossMatrix whole = LossMatrices.Random(1, paths: 4, cell: 16, 5, 40);

        LossMatrix joined = LossMatrix.Join([Columns(whole, 1, 3), Columns(whole, 0, 2)]);

        Assert.Equal(whole.Paths.AsEnumerable(), joined.Paths);
        Assert.Equal(whole.Prefix, joined.Prefix);
        Assert.Equal(whole.Cells, joined.Cells);
        Assert.Throws<ArgumentException>(() => LossMatrix.Join([Columns(whole, 1, 3), Columns(whole, 1, 2)]));
        Assert.Throws<ArgumentException>(() => LossMatrix.Join([Columns(whole, 1, 3), LossMatrices.Random(1, 1, 16, 5, 41)]));
    }

    [Theory]
    [InlineData("I32 [3]", "its paths")]
    [InlineData("documents", "document 1")]
    [InlineData("tokens", "its tensor 'cells'")]
    [InlineData("huge", "its tensor 'cells'")]
    [InlineData("empty document", "document 0")]
    [InlineData("infinite", "not finite")]
    public void ADamagedMatrix_IsRefused(string damage, string problem)
    {
        string file = Write(LossMatrices.Random(1, paths: 3, cell: 16, 5, 40));
        byte[] bytes = File.ReadAllBytes(file);
        using (SafeTensorsReader reader = SafeTensorsReader.Open(file))
        {
            (string tensor, int at, int value) = damage switch
            {
                "I32 [3]" => ("paths", 1, 0),
                "documents" => ("documents", 5 + 1, 0),
                "tokens" => ("documents", 2, 17),
                "huge" => ("documents", 2, int.MaxValue),
                "empty document" => ("documents", 2, 0),
                _ => ("cells", 2, BitConverter.SingleToInt32Bits(float.NaN)),
            };
            BitConverter.TryWriteBytes(bytes.AsSpan((int)reader.Find(tensor).FileOffset + (4 * at)), value);
        }

        File.WriteAllBytes(file, bytes);

        SafeTensorsException refusal = Assert.Throws<SafeTensorsException>(() => LossMatrixCodec.Read(file));
        Assert.Contains(problem, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ALossMatrixThatWouldBeTooLarge_IsRefusedBeforeItIsMade()
    {
        DiPaCoException refusal = Assert.Throws<DiPaCoException>(() => new LossMatrix(
            [new PathId(0)], [new ScoredDocument(new Data.DocumentId(0, 0), int.MaxValue, 0, 0)], cell: 1));

        Assert.Contains("evaluation.max_documents", refusal.Message, StringComparison.Ordinal);
    }

    private string Write(LossMatrix matrix)
    {
        string file = Path.Combine(_folder.Path, "losses");
        using FileStream stream = File.Create(file);
        LossMatrixCodec.Write(matrix, stream);
        return file;
    }

    private static LossMatrix Columns(LossMatrix whole, params int[] columns)
    {
        LossMatrix part = new([.. columns.Select(column => whole.Paths[column])], whole.Documents, whole.Cell);
        for (int i = 0; i < columns.Length; i++)
        {
            for (int row = 0; row < part.CellCount; row++)
            {
                part.Cells[(row * columns.Length) + i] = whole.LossesOf(row)[columns[i]];
            }

            for (int row = 0; row < part.Documents.Length; row++)
            {
                part.Prefix[(row * columns.Length) + i] = whole.PrefixOf(row)[columns[i]];
            }
        }

        return part;
    }
}
