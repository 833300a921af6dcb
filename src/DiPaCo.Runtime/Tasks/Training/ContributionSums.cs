using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Adds up contributions to a module piece by piece: all of them to a piece while it is in the cache, so that every byte is read once. The sums
/// start from −0 or where a fold has left them, and take one contribution after the other in order of path ids: wherever this chain is
/// cut, its bytes are the same.
/// </summary>
internal sealed class ContributionSums : IDisposable
{
    // Sums in double precision, parameters, momentum and a contribution of a piece: 20 bytes each, a part of a core's own cache.
    // Squared norms are sums over pieces: this number is part of the arithmetic.
    public const int PieceElements = 1 << 15;

    private readonly ImmutableArray<Contribution> _contributions;
    private readonly ModuleLayout _layout;
    private readonly List<ContributionPieces> _ends = [];

    // By piece, then by contribution, so that they are added up in the same order whoever has made the pieces.
    private readonly double[] _squares;
    private readonly bool _isEncoded;
    private SumsFile? _before;
    private ModulePieces? _published;

    private ContributionSums(ModuleLayout layout, ImmutableArray<Contribution> contributions, bool isEncoded)
    {
        _layout = layout;
        _contributions = contributions;
        _isEncoded = isEncoded;
        _squares = new double[checked(Pieces * contributions.Length)];
    }

    /// <summary>Pieces of the module.</summary>
    public int Pieces => checked((int)((_layout.Length + PieceElements - 1) / PieceElements));

    /// <summary>Opens everything that is read.</summary>
    /// <param name="layout">The module.</param>
    /// <param name="before">What a fold has added up; null: nothing.</param>
    /// <param name="contributions">What is added to it.</param>
    /// <param name="isEncoded">Whether they are encoded deltas; otherwise they are θ_i.</param>
    /// <param name="published">θ̂, from which θ_i began; null: from the module itself.</param>
    /// <param name="store">Has the blobs.</param>
    /// <param name="cancellationToken">Ends the fetching.</param>
    public static async Task<ContributionSums> OpenAsync(
        ModuleLayout layout, FoldedSums? before, ImmutableArray<Contribution> contributions, bool isEncoded, BlobHash? published, IBlobStore store,
        CancellationToken cancellationToken)
    {
        ContributionSums sums = new(layout, contributions, isEncoded);
        try
        {
            if (before is not null)
            {
                sums._before = new SumsFile(await store.GetFileAsync(before.Blob, cancellationToken), layout, before.Weights);
            }

            if (published is { } start)
            {
                sums._published = new ModulePieces(await store.GetFileAsync(start, cancellationToken), layout, mayBeRounded: true);
            }

            foreach (Contribution contribution in contributions)
            {
                sums._ends.Add(new ContributionPieces(await store.GetFileAsync(contribution.Blob, cancellationToken), layout, isEncoded));
            }

            return sums;
        }
        catch
        {
            sums.Dispose();
            throw;
        }
    }

    /// <summary>Elements of the piece that begins at an element.</summary>
    public int PieceAt(long first) => (int)Math.Min(PieceElements, _layout.Length - first);

    /// <summary>How many threads can make pieces at once, each on a lane of its own: encoded deltas are read from front to back.</summary>
    /// <param name="threads">As many as there are.</param>
    public int LanesOf(int threads) => _isEncoded ? 1 : Math.Min(threads, Pieces);

    /// <summary>Makes pieces, on one thread.</summary>
    public Lane NewLane() => new(this);

    /// <summary>‖θ − θ_i‖² of these contributions, after all pieces.</summary>
    /// <exception cref="NonFiniteStepException">One that has weight is not finite.</exception>
    public ImmutableArray<double> OwnSquares()
    {
        double[] squares = new double[_contributions.Length];
        for (int i = 0; i < squares.Length; i++)
        {
            for (int piece = 0; piece < Pieces; piece++)
            {
                squares[i] += _squares[(piece * squares.Length) + i];
            }

            if (_contributions[i].Weight != 0 && !double.IsFinite(squares[i]))
            {
                throw new NonFiniteStepException(
                    $"The outer gradient of path {_contributions[i].Path} has the squared norm {squares[i]}; a finite number was expected. Lower the inner learning rate, or lengthen its warm-up.");
            }
        }

        return [.. squares];
    }

    /// <summary>The same, with those of the folded contributions before them.</summary>
    public ImmutableArray<double> AllSquares() => [.. _before?.DeltaSquares ?? [], .. OwnSquares()];

    public void Dispose()
    {
        _before?.Dispose();
        _published?.Dispose();
        _ends.ForEach(end => end.Dispose());
    }

    /// <summary>The memory of one thread that makes pieces.</summary>
    public sealed class Lane
    {
        private readonly ContributionSums _sums;
        private readonly float[] _end;
        private readonly float[] _start;
        private OuterStep _step;

        /// <summary>Claims the memory.</summary>
        /// <param name="sums">Whose pieces.</param>
        internal Lane(ContributionSums sums)
        {
            _sums = sums;
            _end = new float[sums.PieceAt(0)];
            _start = sums._published is null ? [] : new float[_end.Length];
            _step = new OuterStep(_end.Length);
        }

        /// <summary>A piece of the sums, until this lane makes another one.</summary>
        /// <param name="first">Its first element; where there is one lane only, the one behind the piece before.</param>
        /// <param name="theta">The module at the start of the phase.</param>
        /// <exception cref="DiPaCoException">A file holds what it cannot.</exception>
        public OuterStep Make(long first, ReadOnlySpan<float> theta)
        {
            if (theta.Length != _step.Length)
            {
                _step = new OuterStep(theta.Length);
            }
            else
            {
                _step.Restart();
            }

            _sums._before?.Read(first, _step.Sums.Span);
            Span<float> end = _end.AsSpan(0, theta.Length);
            Span<float> start = _start.AsSpan(0, Math.Min(_start.Length, theta.Length));
            _sums._published?.Read(first, start);
            Span<double> squares = _sums._squares.AsSpan((int)(first / PieceElements) * _sums._ends.Count, _sums._ends.Count);
            for (int i = 0; i < squares.Length; i++)
            {
                _sums._ends[i].Read(first, theta, start, end);
                squares[i] = _step.Fold(theta, end, _sums._contributions[i].Weight);
            }

            return _step;
        }
    }
}
