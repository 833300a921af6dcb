using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>target_D += Σ parts_RD, row after row. A chunk is 16 columns.</summary>
internal unsafe struct SumRowsKernel : IChunkKernel
{
    public const int Columns = 16;

    public float* Parts;
    public float* Target;
    public long Rows;
    public int Width;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public readonly void Run(long chunk, int worker)
    {
        nint d = (nint)chunk * Columns;
        Vector512<float> sum = Vector512<float>.Zero;
        for (long row = 0; row < Rows; row++)
        {
            sum += Vector512.Load(Parts + ((nint)row * Width) + d);
        }

        (Vector512.Load(Target + d) + sum).Store(Target + d);
    }
}
