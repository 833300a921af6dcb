using System.Runtime.Intrinsics.X86;
using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace DiPaCo.Model;

/// <summary>The three matrix products of a linear layer y = x·Wᵀ, into memory that is already there.</summary>
internal static class Products
{
    // With AMX, oneDNN divides long sums among its threads, so that their number would reach the result. Tried with up to 32 threads it does so from 768
    // terms on, and nowhere up to 640.
    private const long LongestSum = 512;

    private static readonly bool HasTiles = ReadHasTiles();

    /// <summary>y = x·Wᵀ.</summary>
    public static void Forward(TensorBuffer x, Parameter weight, TensorBuffer y) =>
        y.Value.addmm_(x.Value, weight.ComputeTransposed, beta: 0, alpha: 1);

    /// <summary>dW += dyᵀ·x, and dx = dy·W.</summary>
    public static void Backward(IKernels kernels, TensorBuffer dy, TensorBuffer x, Parameter weight, TensorBuffer dx)
    {
        WeightGradient(kernels, dy.Transposed, x.Value, weight);
        dx.Value.addmm_(dy.Value, weight.Compute, beta: 0, alpha: 1);
    }

    /// <summary>dW += dyᵀ·x. In fp32 the product adds to the gradient itself; in bf16 it goes through scratch.</summary>
    public static void WeightGradient(IKernels kernels, Tensor dyTransposed, Tensor x, Parameter weight)
    {
        if (ReferenceEquals(weight.Product, weight.Gradient))
        {
            weight.Product.addmm_(dyTransposed, x, beta: 1, alpha: 1);
            return;
        }

        long rows = x.shape[0];
        if (!HasTiles || rows <= LongestSum || x.device_type != DeviceType.CPU)
        {
            weight.Product.addmm_(dyTransposed, x, beta: 0, alpha: 1);
            kernels.AddGradient(weight);
            return;
        }

        for (long first = 0; first < rows; first += LongestSum)
        {
            long count = Math.Min(LongestSum, rows - first);
            using Tensor left = dyTransposed.narrow(1, first, count);
            using Tensor right = x.narrow(0, first, count);
            weight.Product.addmm_(left, right, beta: 0, alpha: 1);
            kernels.AddGradient(weight);
        }
    }

    /// <summary>Whether the processor has AMX for bfloat16: leaf 7 of CPUID, bit 22 of EDX.</summary>
    private static bool ReadHasTiles() => X86Base.IsSupported && ((X86Base.CpuId(7, 0).Edx >> 22) & 1) == 1;
}
