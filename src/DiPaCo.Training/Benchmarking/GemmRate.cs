using System.Diagnostics;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Native;
using static TorchSharp.torch;

namespace DiPaCo.Training.Benchmarking;

/// <summary>
/// This machine's rate of matrix products, the yardstick of every other measurement: floating-point operations per second of
/// a 2,048 × 2,048 × 2,048 product with the process's number of threads.
/// </summary>
public sealed class GemmRate : IDisposable
{
    private const long Size = 2048;

    private readonly Tensor _a;
    private readonly Tensor _b;
    private readonly Tensor _c;

    /// <summary>Allocates the operands and runs the product once.</summary>
    public GemmRate(ComputeType type)
    {
        TorchLibrary.Initialize();
        using (NewDisposeScope())
        {
            ScalarType scalar = type == ComputeType.Bf16 ? ScalarType.BFloat16 : ScalarType.Float32;
            using Generator generator = new(1, CPU);
            _a = randn([Size, Size], generator: generator).to(scalar).DetachFromDisposeScope();
            _b = randn([Size, Size], generator: generator).to(scalar).DetachFromDisposeScope();
            _c = zeros([Size, Size], dtype: scalar).DetachFromDisposeScope();
        }

        Once();
    }

    /// <summary>The best rate of a few products, in FLOP/s.</summary>
    /// <param name="type">Of the operands.</param>
    /// <param name="repetitions">Products at most.</param>
    /// <param name="enough">No further product begins after this time; null: all of them are made.</param>
    public static double Measure(ComputeType type, int repetitions = 10, TimeSpan? enough = null)
    {
        using GemmRate rate = new(type);
        long start = Stopwatch.GetTimestamp();
        double best = 0;
        for (int i = 0; i < repetitions && (i == 0 || !(Stopwatch.GetElapsedTime(start) > enough)); i++)
        {
            best = Math.Max(best, rate.Once());
        }

        return best;
    }

    /// <summary>The rate of one product, in FLOP/s.</summary>
    public double Once() => Once(() => Stopwatch.GetElapsedTime(0).TotalSeconds);

    /// <summary>The rate of products made one after the other until <paramref name="time"/> has passed, in FLOP/s.</summary>
    public double Over(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        int products = 0;
        TimeSpan passed;
        do
        {
            _c.addmm_(_a, _b, beta: 0, alpha: 1);
            products++;
            passed = Stopwatch.GetElapsedTime(start);
        }
        while (passed < time);

        return products * 2.0 * Size * Size * Size / passed.TotalSeconds;
    }

    /// <summary>The rate of one product by another clock that tells seconds.</summary>
    public double Once(Func<double> clock)
    {
        double start = clock();
        _c.addmm_(_a, _b, beta: 0, alpha: 1);
        return 2.0 * Size * Size * Size / (clock() - start);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _c.Dispose();
        _b.Dispose();
        _a.Dispose();
    }
}
