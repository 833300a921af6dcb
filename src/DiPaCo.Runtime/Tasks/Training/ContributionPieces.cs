using System.Numerics.Tensors;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Training.Codecs;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a path brings to an outer step, read piece by piece from front to back.</summary>
internal sealed class ContributionPieces : IDisposable
{
    private readonly ModulePieces? _end;
    private readonly DeltaReader? _delta;

    /// <summary>Opens a contribution.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="layout">The module.</param>
    /// <param name="isEncoded">Whether it is an encoded delta; otherwise it is θ_i.</param>
    /// <exception cref="DiPaCoException">The file is not valid.</exception>
    public ContributionPieces(string path, ModuleLayout layout, bool isEncoded)
    {
        if (isEncoded)
        {
            _delta = new DeltaReader(File.OpenRead(path), layout.Length);
        }
        else
        {
            _end = new ModulePieces(path, layout);
        }
    }

    /// <summary>Reads the next piece of θ_i, or of what θ_i would be had the path begun from θ.</summary>
    /// <param name="first">Its first element, the one behind the piece before.</param>
    /// <param name="theta">The module at the start of the phase, θ.</param>
    /// <param name="start">θ̂, which the path has begun from; empty: that was θ.</param>
    /// <param name="end">Receives θ_i.</param>
    /// <exception cref="DiPaCoException">A value is not a possible one.</exception>
    public void Read(long first, ReadOnlySpan<float> theta, ReadOnlySpan<float> start, Span<float> end)
    {
        if (_delta is not null)
        {
            _delta.Read(end);
        }
        else
        {
            _end!.Read(first, end);
            if (start.IsEmpty)
            {
                return;
            }

            TensorPrimitives.Subtract(end, start, end);
        }

        TensorPrimitives.Add(theta, end, end);
    }

    public void Dispose()
    {
        _end?.Dispose();
        _delta?.Dispose();
    }
}
