using System.Globalization;
using System.Runtime.InteropServices;
using DiPaCo.Core;
using DiPaCo.Runtime.Tasks;
using TorchSharp;

namespace DiPaCo.Benchmarks;

/// <summary>The whole task of an outer step, from files to files: a module of about 100 M parameters and 16 contributions.</summary>
internal static class OuterTable
{
    private const int Paths = 16;

    private static readonly TransformerShape Shape = new()
    {
        Vocabulary = 4096, Blocks = 8, Width = 1024, Heads = 16, KeyValueHeads = 16, HeadWidth = 64, FeedForward = 2816,
    };

    public static async Task PrintAsync()
    {
        using TemporaryStore folder = new();
        OuterSpec spec = await RandomOuterStep.SpecAsync(folder.Store, Shape, Paths);
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        long parameters = ModuleLayout.Of(Shape, spec.Module.Parts).Length;
        using LocalExecutor executor = new(torch.CPU, Environment.ProcessorCount, TimeProvider.System);
        for (int round = 0; round < 3; round++)
        {
            double copy = CopySeconds(parameters);
            long before = Anonymous();
            using CancellationTokenSource done = new();
            Task<long> peak = Task.Run(() => PeakAsync(done.Token));
            double begun = Clocks.Wall();
            await executor.ExecuteAsync(spec, folder.Store, null, CancellationToken.None);
            double elapsed = Clocks.Wall() - begun;
            await done.CancelAsync();
            double written = await WriteSecondsAsync(parameters, round);
            double buffers = (await peak - before) / (sizeof(float) * (double)parameters);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"outer step of {parameters / 1e6:F0} M parameters over {Paths} contributions, files read, written and flushed: {elapsed:F2} s, {Paths * copy / elapsed:F2} of a copy's bandwidth; two such files written, hashed and flushed without a step: {written:F2} s, without that {Paths * copy / (elapsed - written):F2} of a copy's bandwidth; memory at most {buffers:F1} buffers of the module"));
        }
    }

    /// <summary>Seconds to copy as many bytes as a contribution has, in memory.</summary>
    private static double CopySeconds(long parameters)
    {
        float[] from = new float[parameters], to = new float[parameters];
        from.AsSpan().Fill(1);
        from.CopyTo(to, 0);
        double best = double.MaxValue;
        for (int i = 0; i < 3; i++)
        {
            double begun = Clocks.Wall();
            from.CopyTo(to, 0);
            best = Math.Min(best, Clocks.Wall() - begun);
        }

        return best;
    }

    /// <summary>Seconds to put two files of a module's size into a store at the same time.</summary>
    private static async Task<double> WriteSecondsAsync(long parameters, int round)
    {
        using TemporaryStore folder = new();
        float[][] files = [.. Enumerable.Range(0, 2).Select(_ => new float[parameters])];
        for (int file = 0; file < files.Length; file++)
        {
            files[file].AsSpan().Fill(round + (0.5f * file));
        }

        double begun = Clocks.Wall();
        await Task.WhenAll(files.Select(file => Task.Run(() => folder.Store.PutAsync(
            (stream, _) =>
            {
                stream.Write(MemoryMarshal.AsBytes(file.AsSpan()));
                return Task.CompletedTask;
            },
            CancellationToken.None))));
        return Clocks.Wall() - begun;
    }

    private static async Task<long> PeakAsync(CancellationToken stop)
    {
        long peak = 0;
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(stop))
            {
                peak = Math.Max(peak, Anonymous());
            }
        }
        catch (OperationCanceledException)
        {
            // The step is made.
        }

        return peak;
    }

    /// <summary>Memory of this process that is no file's. Linux only.</summary>
    private static long Anonymous()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return 1024 * long.Parse(line["RssAnon:".Length..^" kB".Length].Trim(), CultureInfo.InvariantCulture);
    }
}
