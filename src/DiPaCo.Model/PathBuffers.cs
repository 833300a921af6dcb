using DiPaCo.Core.Configuration;
using DiPaCo.Model.Buffers;
using static TorchSharp.torch;

namespace DiPaCo.Model;

/// <summary>The flat buffers of a path: fp32 parameters and gradient, and for bf16 the copy that the products read.</summary>
internal sealed class PathBuffers : IDisposable
{
    public PathBuffers(long length, long largestMatrix, ComputeType type, Device device)
    {
        Master = new TensorBuffer(0, ScalarType.Float32, device, length);
        Gradient = new TensorBuffer(0, ScalarType.Float32, device, length);
        Master.Clear();
        Gradient.Clear();
        Compute = Master;
        if (type == ComputeType.Bf16)
        {
            Compute = new TensorBuffer(0, ScalarType.BFloat16, device, length);
            Product = new TensorBuffer(0, ScalarType.BFloat16, device, largestMatrix);
        }
    }

    public TensorBuffer Master { get; }

    public TensorBuffer Gradient { get; }

    /// <summary>The copy in the type of the matrix products; <see cref="Master"/> itself in fp32.</summary>
    public TensorBuffer Compute { get; }

    /// <summary>Scratch for one bf16 weight gradient; null in fp32, where the products add to <see cref="Gradient"/>.</summary>
    public TensorBuffer? Product { get; }

    public void Dispose()
    {
        Product?.Dispose();
        if (!ReferenceEquals(Compute, Master))
        {
            Compute.Dispose();
        }

        Gradient.Dispose();
        Master.Dispose();
    }
}
