using DiPaCo.Core;
using static TorchSharp.torch;

namespace DiPaCo.Model.Kernels.Composed;

/// <summary>Rotary positions from libtorch's operations; the angles of the longest sequence so far are kept.</summary>
internal sealed class ComposedRotary(TransformerShape shape, Device device) : IDisposable
{
    private Tensor? _cosines;
    private Tensor? _sines;

    /// <summary>Rotates [.., T, head width].</summary>
    public Tensor Rotate(Tensor x, int length)
    {
        if (_cosines is null || _cosines.shape[0] < length)
        {
            Dispose();
            Tensor frequencies = pow(shape.RopeBase, arange(0, shape.HeadWidth, 2, ScalarType.Float64) * (-1.0 / shape.HeadWidth));
            Tensor angles_TH = outer(arange(0, length, ScalarType.Float64), frequencies);
            _cosines = angles_TH.cos().to(ScalarType.Float32, device).DetachFromDisposeScope();
            _sines = angles_TH.sin().to(ScalarType.Float32, device).DetachFromDisposeScope();
        }

        Tensor cosines = _cosines.narrow(0, 0, length);
        Tensor sines = _sines!.narrow(0, 0, length);
        int half = shape.HeadWidth / 2;
        Tensor lower = x.narrow(-1, 0, half).to(ScalarType.Float32);
        Tensor upper = x.narrow(-1, half, half).to(ScalarType.Float32);
        return cat([(lower * cosines) - (upper * sines), (upper * cosines) + (lower * sines)], -1).to(x.dtype);
    }

    public void Dispose()
    {
        _cosines?.Dispose();
        _sines?.Dispose();
        (_cosines, _sines) = (null, null);
    }
}
