using System.Runtime.InteropServices;

namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// Cosines and sines of the rotary positions, [T, head width / 2] each. Element d of the lower half of a head is rotated
/// together with element d of the upper half, by the angle t·base^(−2d / head width).
/// </summary>
internal sealed unsafe class RotaryTable(int headWidth, double ropeBase) : IDisposable
{
    private int _length;
    private float* _cosines;
    private float* _sines;

    /// <summary>Makes the angles of <paramref name="length"/> positions available.</summary>
    public Rotation Upto(int length)
    {
        if (length > _length)
        {
            Dispose();
            int half = headWidth / 2;
            _cosines = (float*)NativeMemory.AlignedAlloc((nuint)length * (nuint)half * sizeof(float), 64);
            _sines = (float*)NativeMemory.AlignedAlloc((nuint)length * (nuint)half * sizeof(float), 64);
            for (int t = 0; t < length; t++)
            {
                for (int d = 0; d < half; d++)
                {
                    double angle = t * Math.Pow(ropeBase, -2.0 * d / headWidth);
                    _cosines[((nint)t * half) + d] = (float)Math.Cos(angle);
                    _sines[((nint)t * half) + d] = (float)Math.Sin(angle);
                }
            }

            _length = length;
        }

        return new Rotation(_cosines, _sines, headWidth / 2);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_cosines);
        NativeMemory.AlignedFree(_sines);
        _cosines = null;
        _sines = null;
        _length = 0;
    }
}
