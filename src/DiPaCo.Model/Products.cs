using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;
using static TorchSharp.torch;

namespace DiPaCo.Model;

/// <summary>The three matrix products of a linear layer y = x·Wᵀ, into memory that is already there.</summary>
internal static class Products
{
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
        bool direct = ReferenceEquals(weight.Product, weight.Gradient);
        weight.Product.addmm_(dyTransposed, x, beta: direct ? 1 : 0, alpha: 1);
        if (!direct)
        {
            kernels.AddGradient(weight);
        }
    }
}
