using System.Collections.Immutable;
using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Model.SafeTensors;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// What a fold leaves (<see cref="FoldedSums"/>), as a safetensors file: the sums of a module's flat buffer, padding included, and the squared
/// norms of the deltas in them. Written and read piece by piece, so that the sums, 8 bytes a parameter, are never in memory as a whole.
/// </summary>
internal sealed class SumsFile : IDisposable
{
    private readonly SafeTensorsReader _reader;
    private readonly TensorSpec _sums;

    /// <summary>Opens a file and checks everything but the sums.</summary>
    /// <param name="path">The file.</param>
    /// <param name="layout">The module.</param>
    /// <param name="weights">α_i of the contributions in it.</param>
    /// <exception cref="SafeTensorsException">The file is not valid, or not of this module and as many contributions.</exception>
    public SumsFile(string path, ModuleLayout layout, ImmutableArray<double> weights)
    {
        _sums = SumsOf(layout);
        _reader = SafeTensorsReader.Open(path);
        try
        {
            DeltaSquares = ReadSquares(weights);
        }
        catch
        {
            _reader.Dispose();
            throw;
        }
    }

    /// <summary>‖θ − θ_i‖² of the contributions, in order of path ids.</summary>
    public ImmutableArray<double> DeltaSquares { get; }

    /// <summary>Reads a piece of the sums.</summary>
    /// <param name="first">Its first element in the flat buffer.</param>
    /// <param name="sums">Receives it.</param>
    /// <exception cref="SafeTensorsException">A sum is not finite, or the file became shorter.</exception>
    public void Read(long first, Span<double> sums)
    {
        _reader.ReadPart(_sums, first, sums);
        foreach (double sum in sums)
        {
            if (!double.IsFinite(sum))
            {
                throw new SafeTensorsException(_reader.Path, "a sum is not finite");
            }
        }
    }

    /// <summary>Writes a file.</summary>
    /// <param name="destination">Receives it, front to back.</param>
    /// <param name="layout">The module.</param>
    /// <param name="count">Contributions in the sums.</param>
    /// <param name="sums">The pieces of the sums from front to back; each is written before the next is asked for.</param>
    /// <param name="deltaSquares">‖θ − θ_i‖² of the contributions; asked for behind the last piece.</param>
    public static void Write(
        Stream destination, ModuleLayout layout, int count, IEnumerable<ReadOnlyMemory<double>> sums, Func<ImmutableArray<double>> deltaSquares)
    {
        SafeTensorsWriter writer = new(destination, [SumsOf(layout), SquaresOf(count)]);
        foreach (ReadOnlyMemory<double> piece in sums)
        {
            writer.Append(MemoryMarshal.AsBytes(piece.Span));
        }

        writer.Append(MemoryMarshal.AsBytes(deltaSquares().AsSpan()));
        writer.Complete();
    }

    public void Dispose() => _reader.Dispose();

    private static TensorSpec SumsOf(ModuleLayout layout) => new("sums", TensorDType.F64, layout.Length);

    private static TensorSpec SquaresOf(int count) => new("delta_squares", TensorDType.F64, count);

    /// <summary>A path without weight may have left the numbers: it contributes nothing.</summary>
    private ImmutableArray<double> ReadSquares(ImmutableArray<double> weights)
    {
        _reader.Find(_sums);
        double[] squares = new double[weights.Length];
        _reader.ReadPart(SquaresOf(weights.Length), 0, squares.AsSpan());
        for (int i = 0; i < squares.Length; i++)
        {
            if (weights[i] != 0 && !(squares[i] >= 0 && double.IsFinite(squares[i])))
            {
                throw new SafeTensorsException(_reader.Path, FormattableString.Invariant($"the squared norm of contribution {i} is {squares[i]}"));
            }
        }

        return _reader.Tensors.Count == 2
            ? [.. squares]
            : throw new SafeTensorsException(_reader.Path, FormattableString.Invariant($"it has {_reader.Tensors.Count} tensors, expected 2"));
    }
}
