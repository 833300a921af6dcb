using DiPaCo.Core;
using DiPaCo.Model.Kernels.Cpu.Amx;
using Xunit;

namespace DiPaCo.Model.Tests.Kernels;

public sealed unsafe class AmxProductTests
{
    [Theory]
    [InlineData(1, 1, 1, false)]
    [InlineData(3, 1, 2, true)]
    [InlineData(2, 3, 5, false)]
    [InlineData(4, 2, 3, true)]
    public void Products_AreThoseInDoublePrecision_AndTouchNothingElse(int rowBlocks, int columnBlocks, int depthBlocks, bool accumulate)
    {
        Assert.SkipUnless(AmxProduct.IsSupported, "This processor or system has no AMX.");
        (int rows, int columns, int depth) = (32 * rowBlocks, 32 * columnBlocks, 32 * depthBlocks);

        // Rows lie further apart than they are long.
        (int aRow, int bRow, int cRow) = (depth + 8, columns + 4, columns + 12);
        RandomStream random = new(1, "product", rows, columns, depth);
        float[] a = Random(random, rows * aRow);
        float[] b = Random(random, depth * bRow);
        float[] c = Random(random, rows * cRow);
        float[] before = [.. c];
        ushort[] halves = [.. a.Select(Bits)];
        uint[] pairs = new uint[depth / 2 * bRow];
        for (int k = 0; k < depth; k += 2)
        {
            for (int n = 0; n < columns; n++)
            {
                pairs[(k / 2 * bRow) + n] = Bits(b[(k * bRow) + n]) | ((uint)Bits(b[((k + 1) * bRow) + n]) << 16);
            }
        }

        fixed (ushort* left = halves)
        fixed (uint* right = pairs)
        fixed (float* result = c)
        {
            AmxProduct.Multiply(new AmxOperands
            {
                A = left, ARow = aRow * sizeof(ushort), ABlock = 32 * aRow * sizeof(ushort), B = right, BRow = bRow * sizeof(uint), BBlock = 32 * sizeof(uint),
                C = result, CRow = cRow * sizeof(float), RowBlocks = rowBlocks, ColumnBlocks = columnBlocks, DepthBlocks = depthBlocks, Accumulate = accumulate ? 1 : 0,
            });
        }

        for (int m = 0; m < rows; m++)
        {
            for (int n = 0; n < cRow; n++)
            {
                double expected = n >= columns || accumulate ? before[(m * cRow) + n] : 0;
                for (int k = 0; n < columns && k < depth; k++)
                {
                    expected += (double)a[(m * aRow) + k] * b[(k * bRow) + n];
                }

                Assert.Equal(expected, c[(m * cRow) + n], 1e-4);
            }
        }
    }

    [Fact]
    public void Turning_ExchangesRowsAndColumns_BitForBit()
    {
        Assert.SkipUnless(AmxProduct.IsSupported, "This processor or system has no AMX.");
        const int Rows = 32, Columns = 48;
        uint[] source = [.. Enumerable.Range(0, Rows * Columns).Select(i => 0x7F80_0001u + (uint)i)];
        uint[] turned = new uint[source.Length];
        fixed (uint* from = source)
        fixed (uint* to = turned)
        {
            AmxPacking.Turn((float*)from, Rows, Columns, (float*)to);
        }

        Assert.All(Enumerable.Range(0, source.Length), i => Assert.Equal(source[i], turned[(i % Columns * Rows) + (i / Columns)]));
    }

    /// <summary>Numbers that bfloat16 holds exactly.</summary>
    private static float[] Random(RandomStream random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextInt32(256) - 128) / 64)];

    private static ushort Bits(float value) => (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
}
