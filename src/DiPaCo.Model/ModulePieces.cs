using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Model;

/// <summary>A module's file (<see cref="ModuleFile"/>) read piece by piece, in the order of the flat buffer, so that it is never in memory as a whole.</summary>
public sealed class ModulePieces : IDisposable
{
    private readonly SafeTensorsReader _reader;
    private readonly ModuleLayout _layout;
    private readonly bool _isRounded;

    /// <summary>Opens the file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="layout">What it must hold.</param>
    /// <param name="mayBeRounded">Whether it may be in bfloat16 (<see cref="ModuleFile.WriteRounded"/>) as well.</param>
    /// <exception cref="SafeTensorsException">The file is not valid.</exception>
    public ModulePieces(string path, ModuleLayout layout, bool mayBeRounded = false)
    {
        _layout = layout;
        _reader = SafeTensorsReader.Open(path);
        _isRounded = mayBeRounded && ModuleFile.IsRounded(_reader);
    }

    /// <summary>Reads elements of the flat buffer, zeros where it has padding.</summary>
    /// <param name="first">First element.</param>
    /// <param name="destination">Receives the elements from there on.</param>
    /// <exception cref="SafeTensorsException">The file lacks a tensor, or has one of another shape or type, or became shorter.</exception>
    public void Read(long first, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + destination.Length, _layout.Length, nameof(destination));
        destination.Clear();
        foreach (NamedTensor tensor in _layout.Tensors)
        {
            long from = Math.Max(first, tensor.Offset);
            long to = Math.Min(first + destination.Length, tensor.Offset + tensor.Length);
            if (from >= to)
            {
                continue;
            }

            Span<float> part = destination.Slice((int)(from - first), (int)(to - from));
            if (_isRounded)
            {
                ModuleFile.ReadRounded(_reader, tensor, from - tensor.Offset, part);
            }
            else
            {
                _reader.ReadPart(TensorSpec.Of(tensor), from - tensor.Offset, part);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _reader.Dispose();
}
