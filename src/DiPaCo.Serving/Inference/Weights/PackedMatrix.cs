using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using DiPaCo.Model.Kernels.Cpu;
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

    /// <summary>Stores all rows from fp32, [rows, columns].</summary>
    public void Pack(float* source)
    {
        using NativeBlock padded = new((long)Padded * sizeof(float));
        for (int row = 0; row < rows; row++)
        {
            new ReadOnlySpan<float>(source + ((nint)row * columns), columns).CopyTo(new Span<float>(padded.Floats, Padded));
            byte* target = data + (row * RowBytes);
            switch (type)
            {
                case WeightType.Fp32:
                    NativeMemory.Copy(padded.Floats, target, (nuint)RowBytes);
                    break;
                case WeightType.Bf16:
                    PackHalves(padded.Floats, Padded, (uint*)target);
                    break;
                default:
                    scales[row] = PackBytes(padded.Floats, Padded, (sbyte*)target);
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

    /// <summary>Rounds to nearest, ties to even, as <see cref="Bf16Bits"/> does.</summary>
    private static void PackHalves(float* row, int count, uint* target)
    {
        for (int k = 0; k < count; k += Group)
        {
            Vector512<uint> low = Rounded(row + k) >>> 16;
            Vector512<uint> high = Rounded(row + k + 16) & Vector512.Create(0xFFFF0000u);
            (low | high).Store(target + (k / 2));
        }
    }

    private static Vector512<uint> Rounded(float* at)
    {
        Vector512<float> values = Vector512.Load(at);
        Vector512<uint> bits = values.AsUInt32();
        Vector512<uint> rounded = bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One);
        return Vector512.ConditionalSelect(Vector512.Equals(values, values).AsUInt32(), rounded, bits | Vector512.Create(0x400000u));
    }

    private static float PackBytes(float* row, int count, sbyte* target)
    {
        Vector512<float> most = Vector512<float>.Zero;
        for (int k = 0; k < count; k += 16)
        {
            most = Vector512.Max(most, Vector512.Abs(Vector512.Load(row + k)));
        }

        float largest = VectorMath.Max(most);
        float scale = largest / 127;
        Vector512<float> divisor = Vector512.Create(scale > 0 ? scale : 1);
        for (int k = 0; k < count; k += 16)
        {
            Vector512<float> steps = Vector512.Round(Vector512.Load(row + k) / divisor);
            Vector512<int> whole = Vector512.ConvertToInt32(Vector512.Clamp(steps, Vector512.Create(-127f), Vector512.Create(127f)));
            Vector256<short> halves = Vector256.Narrow(whole.GetLower(), whole.GetUpper());
            Vector128.Narrow(halves.GetLower(), halves.GetUpper()).Store(target + k);
        }

        return scale;
    }
}
