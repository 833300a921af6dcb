using DiPaCo.Core;
using DiPaCo.Model.Kernels.Cpu;

namespace DiPaCo.Serving.Inference;

/// <summary>
/// One step of inference: slices of any sequences on any paths, each block's products done once for all rows that go through the same module.
/// Computes what <see cref="Model.PathModel"/> does, with keys and values from the cache. A row's numbers depend on its own sequence only, bit for
/// bit: not on the other slices, nor on how the sequence was cut into slices, nor on threads.
/// </summary>
/// <remarks>M rows, D width, F inner width, V vocabulary. For one thread at a time.</remarks>
internal sealed unsafe class ForwardPass : IDisposable
{
    private const int HeadRows = 64;

    private readonly TransformerShape _shape;
    private readonly CacheGeometry _geometry;
    private readonly ComputePool _pool;
    private readonly WeightType _type;
    private readonly RotaryTable _rotary;
    private readonly Rotation _rotation;
    private readonly int _headsStride;
    private readonly int _outputs;
    private readonly int _scoreStride;
    private readonly nint _scratchFloats;
    private readonly NativeBlock _residual;
    private readonly NativeBlock _normed;
    private readonly NativeBlock _qkv;
    private readonly NativeBlock _heads;
    private readonly NativeBlock _up;
    private readonly NativeBlock _inner;
    private readonly NativeBlock _logits;
    private readonly NativeBlock _scratch;
    private readonly NativeBlock _gains;
    private readonly NativeBlock _tiles;
    private readonly NativeBlock _selected;
    private readonly RowGroups<BlockWeights> _groups;
    private readonly RowGroups<TableWeights> _tables;
    private readonly BlockWeights[] _blockOf;
    private readonly TableWeights[] _tableOf = new TableWeights[HeadRows];
    private readonly List<Row> _rows = [];

    /// <summary>Allocates the buffers of a step.</summary>
    /// <param name="geometry">The cache, and with it the transformer.</param>
    /// <param name="pool">Threads; not owned.</param>
    /// <param name="type">How weights are stored.</param>
    /// <param name="maxRows">Most rows of a step.</param>
    /// <param name="maxPositions">Most positions of a sequence.</param>
    /// <param name="mostOutputs">Rows of the largest output matrix, where some paths have one that is larger than the vocabulary.</param>
    public ForwardPass(CacheGeometry geometry, ComputePool pool, WeightType type, int maxRows, int maxPositions, int mostOutputs = 0)
    {
        _geometry = geometry;
        _shape = geometry.Shape;
        _pool = pool;
        _type = type;
        MaxRows = maxRows;
        MaxPositions = maxPositions;
        _rotary = new RotaryTable(_shape.HeadWidth, _shape.RopeBase);
        _rotation = _rotary.Upto(maxPositions);
        _headsStride = PackedMatrix.PaddedOf(_shape.Heads * _shape.HeadWidth);
        _scoreStride = CachedAttentionKernel.StrideOf(maxPositions);
        _scratchFloats = CachedAttentionKernel.ScratchOf(maxPositions);
        _residual = Floats((long)maxRows * _shape.Width);
        _normed = Floats((long)Math.Max(maxRows, HeadRows) * _shape.Width);
        _qkv = Floats((long)maxRows * _shape.QkvRows);
        _heads = Floats((long)maxRows * _headsStride);
        _up = Floats((long)maxRows * _shape.UpRows);
        _inner = Floats((long)maxRows * _shape.FeedForward);
        _outputs = Math.Max(mostOutputs, _shape.OutputRows);
        _logits = Floats((long)HeadRows * _outputs);
        _scratch = Floats(_scratchFloats * pool.Count);
        _gains = new NativeBlock((long)maxRows * sizeof(nint));
        _tiles = new NativeBlock((long)maxRows * sizeof(AttentionTile));
        _selected = new NativeBlock(HeadRows * sizeof(int));
        _groups = new RowGroups<BlockWeights>(maxRows);
        _tables = new RowGroups<TableWeights>(HeadRows);
        _blockOf = new BlockWeights[maxRows];
    }

    /// <summary>Most rows of a step.</summary>
    public int MaxRows { get; }

    /// <summary>Most positions of a sequence.</summary>
    public int MaxPositions { get; }

    /// <summary>Products of each matrix of the last block, and of the output, in the last step: one for every module that rows went through.</summary>
    public (int Block, int Output) LastProducts => (_groups.Count, _tables.Count);

    /// <summary>Computes a step.</summary>
    /// <param name="slices">At most one slice of a sequence; together at most <see cref="MaxRows"/> positions.</param>
    /// <param name="sink">Receives logits and hidden states, slice by slice in the order of where they begin, positions ascending.</param>
    public void Run(IReadOnlyList<Slice> slices, IStepSink sink)
    {
        Arrange(slices);
        int active = 0;
        int tiles = 0;
        int tiledRows = 0;
        for (int block = 0; block < _shape.Blocks; block++)
        {
            int entered = active;
            while (active < _rows.Count && _rows[active].Slice.StartBlock <= block)
            {
                Enter(active++, block);
            }

            if (active == 0)
            {
                continue;
            }

            KeepInputs(entered, block);
            while (tiledRows < active)
            {
                tiledRows += ((AttentionTile*)_tiles.Pointer)[tiles++].Count;
            }

            RunBlock(block, active, tiles);
        }

        while (active < _rows.Count)
        {
            Enter(active++, _shape.Blocks);
        }

        RunHead(sink);
        _rows.Clear();
        Array.Clear(_blockOf);
        Array.Clear(_tableOf);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (NativeBlock block in (NativeBlock[])[_residual, _normed, _qkv, _heads, _up, _inner, _logits, _scratch, _gains, _tiles, _selected])
        {
            block.Dispose();
        }

        _groups.Dispose();
        _tables.Dispose();
        _rotary.Dispose();
    }

    private static NativeBlock Floats(long count) => new(count * sizeof(float));

    private static long Chunks(long items, long perChunk) => (items + perChunk - 1) / perChunk;

    /// <summary>Rows in the order of the block that they begin at, so that those that a block computes are always the first ones.</summary>
    private void Arrange(IReadOnlyList<Slice> slices)
    {
        AttentionTile* tile = (AttentionTile*)_tiles.Pointer;
        foreach (int index in Enumerable.Range(0, slices.Count).OrderBy(i => slices[i].StartBlock))
        {
            Slice slice = slices[index];
            int count = slice.Tokens.Length;
            if (_rows.Count + count > MaxRows || slice.Position + count > MaxPositions)
            {
                _rows.Clear();
                throw new ArgumentException($"A step has at most {MaxRows} rows, a sequence at most {MaxPositions} positions.", nameof(slices));
            }

            slice.Cache.Grow(slice.Position + count);
            for (int i = 0; i < count; i += AttentionTile.MostRows)
            {
                *tile++ = new AttentionTile
                {
                    Pages = slice.Cache.Pages, Row = _rows.Count, Position = slice.Position + i, Count = Math.Min(AttentionTile.MostRows, count - i),
                };
                for (int j = i; j < Math.Min(i + AttentionTile.MostRows, count); j++)
                {
                    _rows.Add(new Row(slice, index, j));
                }
            }
        }
    }

    /// <summary>The residual stream of a row where it begins: its token's embedding, or what the cache kept.</summary>
    private void Enter(int row, int block)
    {
        Row entering = _rows[row];
        float* target = _residual.Floats + ((nint)row * _shape.Width);
        if (entering.Slice.StartBlock == 0)
        {
            entering.Slice.Path.Embedding.Matrix.Unpack(entering.Slice.Tokens.Span[entering.Index], target);
            return;
        }

        KeptInput(entering, block).CopyTo(new Span<float>(target, _shape.Width));
    }

    private void KeepInputs(int entered, int block)
    {
        if (block == 0 || _geometry.ResidualAt(block, 0) < 0)
        {
            return;
        }

        for (int row = 0; row < entered; row++)
        {
            new Span<float>(_residual.Floats + ((nint)row * _shape.Width), _shape.Width).CopyTo(KeptInput(_rows[row], block));
        }
    }

    private Span<float> KeptInput(Row row, int block)
    {
        int position = row.Slice.Position + row.Index;
        long at = _geometry.ResidualAt(block, position % CacheGeometry.Positions);
        return at < 0
            ? throw new ArgumentException($"The cache does not keep the input of block {block}.")
            : new Span<float>(row.Slice.Cache.Pages[position / CacheGeometry.Positions] + at, _shape.Width);
    }

    private void RunBlock(int block, int rows, int tiles)
    {
        float** gains = (float**)_gains.Pointer;
        for (int row = 0; row < rows; row++)
        {
            _blockOf[row] = _rows[row].Slice.Path.Blocks[block];
            gains[row] = _blockOf[row].AttentionNorm;
        }

        _groups.Assign(_blockOf, rows);
        Norm(rows, null);
        Product(_groups.Jobs(static weights => weights.Qkv), _groups.Count, _normed.Floats, _shape.Width, _qkv.Floats, _shape.QkvRows, accumulate: false);
        Attend(block, tiles);
        Product(_groups.Jobs(static weights => weights.Output), _groups.Count, _heads.Floats, _headsStride, _residual.Floats, _shape.Width, accumulate: true);
        for (int row = 0; row < rows; row++)
        {
            gains[row] = _blockOf[row].FeedForwardNorm;
        }

        Norm(rows, null);
        Product(_groups.Jobs(static weights => weights.Up), _groups.Count, _normed.Floats, _shape.Width, _up.Floats, _shape.UpRows, accumulate: false);
        Activate(rows);
        Product(_groups.Jobs(static weights => weights.Down), _groups.Count, _inner.Floats, _shape.FeedForward, _residual.Floats, _shape.Width, accumulate: true);
    }

    private void Attend(int block, int tiles)
    {
        AttentionTile* first = (AttentionTile*)_tiles.Pointer;
        long blockOffset = block * _shape.KeyValueHeads * _geometry.HeadFloats;
        _pool.Run(
            new CacheKernel
            {
                Tiles = first, Qkv = _qkv.Floats, Rotation = _rotation, HeadFloats = _geometry.HeadFloats, BlockOffset = blockOffset,
                Scale = (float)(1.0 / Math.Sqrt(_shape.HeadWidth)), QkvWidth = _shape.QkvRows, Heads = _shape.Heads,
                KeyValueHeads = _shape.KeyValueHeads, HeadWidth = _shape.HeadWidth, PaddedHead = _geometry.PaddedHead,
            },
            tiles);
        _pool.Run(
            new CachedAttentionKernel
            {
                Tiles = first, Qkv = _qkv.Floats, Output = _heads.Floats, Scratch = _scratch.Floats, ScratchFloats = _scratchFloats,
                HeadFloats = _geometry.HeadFloats, BlockOffset = blockOffset, QkvWidth = _shape.QkvRows, OutputStride = _headsStride,
                KeyValueHeads = _shape.KeyValueHeads, Group = _shape.Heads / _shape.KeyValueHeads, HeadWidth = _shape.HeadWidth,
                PaddedHead = _geometry.PaddedHead, ScoreStride = _scoreStride,
            },
            (long)tiles * _shape.KeyValueHeads);
    }

    private void Activate(int rows)
    {
        if (_shape.Activation == Activation.SwiGlu)
        {
            _pool.Run(
                new SwiGluKernel<Float32Element> { Up = _up.Pointer, Inner = _inner.Pointer, Count = rows, Width = _shape.FeedForward },
                Chunks(rows, SwiGluKernel<Float32Element>.Rows));
            return;
        }

        long elements = (long)rows * _shape.FeedForward;
        _pool.Run(
            new GeluKernel<Float32Element> { Up = _up.Pointer, Inner = _inner.Pointer, Count = elements },
            Chunks(elements, GeluKernel<Float32Element>.Elements));
    }

    private void Norm(int rows, int* selected) => _pool.Run(
        new NormKernel
        {
            X = _residual.Floats, Normed = _normed.Floats, Gains = (float**)_gains.Pointer, Selected = selected, Count = rows,
            Width = _shape.Width, Epsilon = (float)_shape.NormEpsilon,
        },
        Chunks(rows, NormKernel.Rows));

    private void Product(ProductJob* jobs, int count, float* x, int xStride, float* y, int yStride, bool accumulate)
    {
        switch (_type)
        {
            case WeightType.Fp32:
                Product<Fp32Weights>(jobs, count, x, xStride, y, yStride, accumulate);
                break;
            case WeightType.Bf16:
                Product<Bf16Weights>(jobs, count, x, xStride, y, yStride, accumulate);
                break;
            default:
                Product<Int8Weights>(jobs, count, x, xStride, y, yStride, accumulate);
                break;
        }
    }

    private void Product<TWeights>(ProductJob* jobs, int count, float* x, int xStride, float* y, int yStride, bool accumulate)
        where TWeights : IWeights => _pool.Run(
            new ProductKernel<TWeights> { Jobs = jobs, JobCount = count, X = x, XStride = xStride, Y = y, YStride = yStride, Accumulate = accumulate },
            ProductKernel<TWeights>.Count(jobs, count));

    private void RunHead(IStepSink sink)
    {
        int* selected = (int*)_selected.Pointer;
        int chosen = 0;
        for (int row = 0; row < _rows.Count; row++)
        {
            Slice slice = _rows[row].Slice;
            if (slice.Hidden)
            {
                sink.Hidden(_rows[row].Number, _rows[row].Index, new ReadOnlySpan<float>(_residual.Floats + ((nint)row * _shape.Width), _shape.Width));
            }

            if (slice.Logits == LogitRows.All || (slice.Logits == LogitRows.Last && _rows[row].Index == slice.Tokens.Length - 1))
            {
                selected[chosen++] = row;
            }

            if (chosen == HeadRows || (chosen > 0 && row == _rows.Count - 1))
            {
                Logits(selected, chosen, sink);
                chosen = 0;
            }
        }
    }

    private void Logits(int* selected, int count, IStepSink sink)
    {
        float** gains = (float**)_gains.Pointer;
        for (int i = 0; i < count; i++)
        {
            PathWeights path = _rows[selected[i]].Slice.Path;
            gains[i] = path.FinalNorm.Gain;
            _tableOf[i] = path.Head;
        }

        _tables.Assign(_tableOf, count);
        Norm(count, selected);
        Product(_tables.Jobs(static table => table.Matrix), _tables.Count, _normed.Floats, _shape.Width, _logits.Floats, _outputs, accumulate: false);
        for (int i = 0; i < count; i++)
        {
            Row row = _rows[selected[i]];
            sink.Logits(row.Number, row.Index, new ReadOnlySpan<float>(_logits.Floats + ((nint)i * _outputs), row.Slice.Path.Head.Matrix.Rows));
        }
    }

    /// <summary>A row of the step.</summary>
    private readonly record struct Row(Slice Slice, int Number, int Index);
}
