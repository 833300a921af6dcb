using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>Rotates one head's row in place.</summary>
/// <param name="cosines">[T, half].</param>
/// <param name="sines">[T, half].</param>
/// <param name="half">Half the width of a head.</param>
internal readonly unsafe struct Rotation(float* cosines, float* sines, int half)
{
    /// <summary>Rotates to position <paramref name="t"/> and multiplies by <paramref name="scale"/>.</summary>
    public void Forward(float* row, int t, float scale) => Apply(row, t, scale, 1);

    /// <summary>The transpose of <see cref="Forward"/>: from the gradient of the rotated row to that of the row.</summary>
    public void Backward(float* row, int t, float scale) => Apply(row, t, scale, -1);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Apply(float* row, int t, float scale, float direction)
    {
        float* c = cosines + ((nint)t * half);
        float* s = sines + ((nint)t * half);
        int d = 0;
        for (; d + 16 <= half; d += 16)
        {
            Vector512<float> cosine = Vector512.Load(c + d) * Vector512.Create(scale);
            Vector512<float> sine = Vector512.Load(s + d) * Vector512.Create(scale * direction);
            Vector512<float> lower = Vector512.Load(row + d);
            Vector512<float> upper = Vector512.Load(row + half + d);
            ((lower * cosine) - (upper * sine)).Store(row + d);
            ((upper * cosine) + (lower * sine)).Store(row + half + d);
        }

        for (; d < half; d++)
        {
            (float cosine, float sine) = (c[d] * scale, s[d] * scale * direction);
            (float lower, float upper) = (row[d], row[half + d]);
            row[d] = (lower * cosine) - (upper * sine);
            row[half + d] = (upper * cosine) + (lower * sine);
        }
    }
}
