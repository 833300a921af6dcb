using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>Sum of squares of each chunk of <see cref="Elements"/> elements, in double precision; the count is a multiple of 16.</summary>
internal unsafe struct SumOfSquaresKernel : IChunkKernel
{
    public const int Elements = 16384;

    public float* Values;
    public double* Sums;
    public long Count;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        nint end = (nint)Math.Min((chunk + 1) * Elements, Count);
        Vector512<double> low = Vector512<double>.Zero;
        Vector512<double> high = Vector512<double>.Zero;
        for (nint i = (nint)chunk * Elements; i < end; i += 16)
        {
            Vector512<float> x = Vector512.Load(Values + i);
            Vector512<double> a = Vector512.WidenLower(x);
            Vector512<double> b = Vector512.WidenUpper(x);
            low = Vector512.FusedMultiplyAdd(a, a, low);
            high = Vector512.FusedMultiplyAdd(b, b, high);
        }

        Vector512<double> both = low + high;
        double sum = 0;
        for (int lane = 0; lane < 8; lane++)
        {
            sum += both[lane];
        }

        Sums[chunk] = sum;
    }
}
