using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;
using static TorchSharp.torch;

namespace DiPaCo.Model;

/// <summary>The three matrix products of a linear layer y = x·Wᵀ, into memory that is already there.</summary>
internal static class Products
{
    /// <summary>y = x·Wᵀ.</summary>
    public static void Forward(IKernels kernels, TensorBuffer x, Parameter weight, TensorBuffer y) =>
        kernels.Multiply(x.Value, weight.ComputeTransposed, y.Value);

    /// <summary>dW += dyᵀ·x, and dx = dy·W.</summary>
    public static void Backward(IKernels kernels, TensorBuffer dy, TensorBuffer x, Parameter weight, TensorBuffer dx)
    {
        WeightGradient(kernels, dy.Transposed, x.Value, weight);
        kernels.Multiply(dy.Value, weight.Compute, dx.Value);
    }

    /// <summary>dW += dyᵀ·x. In fp32 the product adds to the gradient itself; in bf16 it goes through scratch.</summary>
    public static void WeightGradient(IKernels kernels, Tensor dyTransposed, Tensor x, Parameter weight)
    {
        if (ReferenceEquals(weight.Product, weight.Gradient))
        {
            weight.Product.addmm_(dyTransposed, x, beta: 1, alpha: 1);
            return;
        }

        kernels.Multiply(dyTransposed, x, weight.Product);
        kernels.AddGradient(weight);
    }
}
