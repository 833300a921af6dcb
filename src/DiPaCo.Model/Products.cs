using DiPaCo.Model.Buffers;
using DiPaCo.Model.Kernels;

namespace DiPaCo.Model;

/// <summary>Both products of a linear layer's backward pass.</summary>
internal static class Products
{
    /// <summary>dW += dyᵀ·x, and dx = dy·W.</summary>
    public static void Backward(IKernels kernels, TensorBuffer dy, TensorBuffer x, Parameter weight, TensorBuffer dx)
    {
        kernels.AddWeightGradient(dy, x, weight);
        kernels.MultiplyBack(dy, weight, dx);
    }
}
