using DiPaCo.Core;
using DiPaCo.Model.Buffers;
using TorchSharp;
using static TorchSharp.torch;

namespace DiPaCo.Model;

/// <summary>One named tensor of a path: views into the path's flat buffers. Owns the views, not the memory.</summary>
internal sealed unsafe class Parameter : IDisposable
{
    public Parameter(NamedTensor layout, long offset, PathBuffers buffers)
    {
        Layout = layout;
        Offset = offset;
        using DisposeScope scope = NewDisposeScope();
        Master = View(buffers.Master, offset);
        Gradient = View(buffers.Gradient, offset);
        Compute = View(buffers.Compute, offset);
        Product = buffers.Product is { } product && layout.IsMatrix ? View(product, 0) : Gradient;
        ComputeTransposed = layout.IsMatrix ? Compute.t() : Compute.alias();
        scope.Detach(ComputeTransposed);
        if (buffers.Master.Value.device_type == DeviceType.CPU)
        {
            MasterPointer = buffers.Master.Floats + offset;
            GradientPointer = buffers.Gradient.Floats + offset;
            ComputePointer = (byte*)buffers.Compute.Pointer + (offset * buffers.Compute.Value.element_size());
            ProductPointer = buffers.Product is { } scratch ? scratch.Pointer : GradientPointer;
        }
    }

    public NamedTensor Layout { get; }

    /// <summary>First element in the path's buffers.</summary>
    public long Offset { get; }

    /// <summary>fp32 values.</summary>
    public Tensor Master { get; }

    /// <summary>fp32 gradient.</summary>
    public Tensor Gradient { get; }

    /// <summary>Values in the type of the matrix products; the master itself in fp32.</summary>
    public Tensor Compute { get; }

    /// <summary><see cref="Compute"/> with its dimensions exchanged.</summary>
    public Tensor ComputeTransposed { get; }

    /// <summary>Where the weight's backward product goes: scratch that all parameters share, or in fp32 the gradient itself.</summary>
    public Tensor Product { get; }

    public float* MasterPointer { get; }

    public float* GradientPointer { get; }

    public void* ComputePointer { get; }

    public void* ProductPointer { get; }

    public void Dispose()
    {
        ComputeTransposed.Dispose();
        if (!ReferenceEquals(Product, Gradient))
        {
            Product.Dispose();
        }

        Compute.Dispose();
        Gradient.Dispose();
        Master.Dispose();
    }

    private Tensor View(TensorBuffer flat, long offset)
    {
        using Tensor slice = flat.Value.narrow(0, offset, Layout.Length);
        return slice.view([.. Layout.Shape]).DetachFromDisposeScope();
    }
}
