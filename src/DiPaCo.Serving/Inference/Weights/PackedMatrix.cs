using System.Runtime.Intrinsics;
using DiPaCo.Training.Codecs;

namespace DiPaCo.Serving.Inference;

/// <summary>
/// A matrix as the products read it: rows padded with zeros to whole groups of 32 columns. Does not own its memory.
/// In bf16 element i and element 16 + i of a group share a word of 32 bits, lower and upper half, so that one load and two
/// operations without a permutation give both halves of a group.
/// </summary>
internal readonly unsafe struct PackedMatrix(byte* data, float* scales, int rows, int columns, WeightType type)
{
    /// <summary>Columns of a group.</summary>
    public const int Group = 32;

    /// <summary>First byte.</summary>
    public byte* Data => data;

    /// <summary>One factor a row, in int8 only.</summary>
    public float* Scales => scales;

    /// <summary>Rows: outputs of the product.</summary>
    public int Rows => rows;

    /// <summary>Columns, padded.</summary>
    public int Padded { get; } = PaddedOf(columns);

    /// <summary>Bytes from one row to the next.</summary>
    public nint RowBytes => Padded * (nint)ElementBytes(type);

    /// <summary>Columns rounded up to whole groups.</summary>
    public static int PaddedOf(int columns) => (columns + Group - 1) / Group * Group;

    /// <summary>Bytes of one weight.</summary>
    public static int ElementBytes(WeightType type) => type switch
    {
        WeightType.Fp32 => 4,
        WeightType.Bf16 => 2,
        _ => 1,
    };

    /// <summary>Bytes of a matrix without its scales, a multiple of 64.</summary>
    public static long BytesOf(int rows, int columns, WeightType type) => (((long)rows * PaddedOf(columns) * ElementBytes(type)) + 63) / 64 * 64;

    /// <summary>Stores fp32 rows, [count, columns], from row <paramref name="first"/> on.</summary>
    public void Pack(ReadOnlySpan<float> source, int first, int count)
    {
        Span<float> padded = Padded <= 16_384 ? stackalloc float[Padded] : new float[Padded];
        for (int row = first; row < first + count; row++)
        {
            padded.Clear();
            source.Slice((row - first) * columns, columns).CopyTo(padded);
            byte* target = data + (row * RowBytes);
            switch (type)
            {
                case WeightType.Fp32:
                    padded.CopyTo(new Span<float>(target, Padded));
                    break;
                case WeightType.Bf16:
                    PackHalves(padded, (uint*)target);
                    break;
                default:
                    scales[row] = PackBytes(padded, (sbyte*)target);
                    break;
            }
        }
    }

    /// <summary>Writes one row as fp32: a look-up in the embedding.</summary>
    /// <param name="row">Which.</param>
    /// <param name="target">Receives <see cref="Padded"/> elements.</param>
    public void Unpack(int row, float* target)
    {
        byte* source = data + (row * RowBytes);
        for (int k = 0; k < Padded; k += Group)
        {
            (Vector512<float> low, Vector512<float> high) = type switch
            {
                WeightType.Fp32 => (Fp32Weights.Low(source, k), Fp32Weights.High(source, k)),
                WeightType.Bf16 => (Bf16Weights.Low(source, k), Bf16Weights.High(source, k)),
                _ => (Int8Weights.Low(source, k) * Vector512.Create(scales[row]), Int8Weights.High(source, k) * Vector512.Create(scales[row])),
            };
            low.Store(target + k);
            high.Store(target + k + 16);
        }
    }

    private static void PackHalves(ReadOnlySpan<float> row, uint* target)
    {
        for (int k = 0; k < row.Length; k += Group)
        {
            for (int i = 0; i < 16; i++)
            {
                target[(k / 2) + i] = Bf16Bits.Of(row[k + i]) | ((uint)Bf16Bits.Of(row[k + 16 + i]) << 16);
            }
        }
    }

    private static float PackBytes(ReadOnlySpan<float> row, sbyte* target)
    {
        float largest = 0;
        foreach (float value in row)
        {
            largest = MathF.Max(largest, MathF.Abs(value));
        }

        float scale = largest / 127;
        for (int k = 0; k < row.Length; k++)
        {
            target[k] = scale > 0 ? (sbyte)Math.Clamp(MathF.Round(row[k] / scale), -127, 127) : (sbyte)0;
        }

        return scale;
    }
}
