using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// Which sequences of a shard are in a step: a pure function of (seed, path, step), whoever asks and in whatever order. The sequences are
/// shuffled anew for every epoch; steps follow each other across epochs without a gap. Asking for step after step is cheap, jumping
/// costs one shuffle. Not for several threads at once.
/// </summary>
public sealed class ShardOrder
{
    private readonly ShardOrderOptions _options;
    private readonly int[] _lengths;
    private readonly int[] _permutation;
    // Steps of a window: a small shard has smaller ones, so that most lie within an epoch.
    private readonly int _steps;
    private readonly int[] _window;
    private long _epoch = -1;
    private long _windowNumber = -1;

    /// <summary>Orders sequences of these lengths (in positions).</summary>
    public ShardOrder(ShardOrderOptions options, int[] lengths)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.BatchSize);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.LengthWindow);
        if (lengths.Length == 0)
        {
            throw new DiPaCoException($"The shard of path {options.Path} has no document longer than the prefix, so there is nothing to train on. Use fewer paths, more text or a shorter prefix.");
        }

        _options = options;
        _lengths = lengths;
        _permutation = new int[lengths.Length];
        _steps = (int)Math.Clamp(lengths.Length / (4L * options.BatchSize), 1, options.LengthWindow);
        _window = new int[checked(options.BatchSize * _steps)];
    }

    /// <summary>Sequences of an epoch.</summary>
    public int SequenceCount => _lengths.Length;

    /// <summary>The sequences of a step, <see cref="ShardOrderOptions.BatchSize"/> of them; valid until the next call.</summary>
    public ReadOnlySpan<int> Step(long step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        (long number, long slot) = Math.DivRem(step, _steps);
        if (number != _windowNumber)
        {
            FillWindow(number);
        }

        return _window.AsSpan((int)slot * _options.BatchSize, _options.BatchSize);
    }

    private void FillWindow(long number)
    {
        long at = checked(number * _window.Length);
        for (int filled = 0; filled < _window.Length;)
        {
            (long epoch, long offset) = Math.DivRem(at + filled, SequenceCount);
            Shuffle(epoch);
            int count = (int)Math.Min(_window.Length - filled, SequenceCount - offset);
            _permutation.AsSpan((int)offset, count).CopyTo(_window.AsSpan(filled));
            filled += count;
        }

        // Across the border of two epochs a sequence is in the window twice, and sorted both would be in one batch.
        if (_steps > 1 && at / SequenceCount == (at + _window.Length - 1) / SequenceCount)
        {
            SortByLength(number);
        }

        _windowNumber = number;
    }

    private void Shuffle(long epoch)
    {
        if (epoch == _epoch)
        {
            return;
        }

        for (int i = 0; i < _permutation.Length; i++)
        {
            _permutation[i] = i;
        }

        new RandomStream(_options.Seed, "batch-order", _options.Path.Value, epoch).Shuffle<int>(_permutation);
        _epoch = epoch;
    }

    /// <summary>Long with long and short with short; then the batches change places, so that lengths do not rise and fall in waves.</summary>
    private void SortByLength(long number)
    {
        int[] sorted = [.. _window.OrderBy(sequence => _lengths[sequence])];
        int[] places = [.. Enumerable.Range(0, _steps)];
        new RandomStream(_options.Seed, "batch-window", _options.Path.Value, number).Shuffle<int>(places);
        for (int slot = 0; slot < places.Length; slot++)
        {
            sorted.AsSpan(places[slot] * _options.BatchSize, _options.BatchSize).CopyTo(_window.AsSpan(slot * _options.BatchSize));
        }
    }
}
