using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>Moves rows of one head between activations and fp32 tiles.</summary>
internal static unsafe class HeadRows
{
    /// <summary>target[0..width] = source; the rest up to <paramref name="padded"/> becomes zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Load<TElement>(void* source, nint at, float* target, int width, int padded)
        where TElement : IElement
    {
        int d = 0;
        for (; d + 16 <= width; d += 16)
        {
            TElement.Load(source, at + d).Store(target + d);
        }

        for (; d < width; d++)
        {
            target[d] = TElement.LoadOne(source, at + d);
        }

        for (; d < padded; d++)
        {
            target[d] = 0;
        }
    }

    /// <summary>Asks for a row that is needed soon.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Ahead<TElement>(void* source, nint at, int width)
        where TElement : IElement
    {
        if (Sse.IsSupported)
        {
            byte* row = (byte*)source + (at * TElement.Size);
            for (int b = 0; b < width * TElement.Size; b += 64)
            {
                Sse.Prefetch1(row + b);
            }
        }
    }

    /// <summary>destination = source·factor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TElement>(float* source, void* destination, nint at, int width, float factor)
        where TElement : IElement
    {
        int d = 0;
        for (; d + 16 <= width; d += 16)
        {
            TElement.Store(destination, at + d, Vector512.Load(source + d) * Vector512.Create(factor));
        }

        for (; d < width; d++)
        {
            TElement.StoreOne(destination, at + d, source[d] * factor);
        }
    }

    /// <summary>Σ a·b over the padded width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Dot(float* a, float* b, int padded)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        for (int d = 0; d < padded; d += 16)
        {
            sum = Vector512.FusedMultiplyAdd(Vector512.Load(a + d), Vector512.Load(b + d), sum);
        }

        return VectorMath.Sum(sum);
    }

    /// <summary>transposed[d][t] = rows[t][d] for 16 rows and all of the padded width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Transpose16(float* rows, int padded, float* transposed, nint stride)
    {
        for (int d = 0; d < padded; d += 16)
        {
            Transposition.Turn16(rows + d, padded, transposed + (d * stride), stride);
        }
    }
}
