using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Serving.Inference;
using TorchSharp;

namespace DiPaCo.Benchmarks;

/// <summary>What inference costs against what the machine could do, on paths of random weights of a 4 × 4 grid; each figure beside its reference in the same process.</summary>
internal static class ServeTable
{
    private const int Context = 1024;
    private const int Experts = 4;

    public static void Print(string[] args)
    {
        TransformerShape shape = args is ["150", ..] ? Large : Small;
        WeightType type = args is [_, "bf16", ..] ? WeightType.Bf16 : args is [_, "int8", ..] ? WeightType.Q8 : WeightType.Fp32;
        using ComputePool pool = new((int)torch.get_num_threads());
        using Grid grid = new(shape, type);
        CacheGeometry geometry = new(shape, [shape.Blocks / 2]);
        using ForwardPass pass = new(geometry, pool, type, maxRows: 512, Context);
        using PagePool pages = new(geometry, 40 * CacheGeometry.PagesOf(Context));
        long bytes = grid.PathBytes(shape, type);
        double bandwidth = ReadBandwidth.Measure(pool, bytes / ReadBandwidth.Bytes * ReadBandwidth.Bytes);
        Console.WriteLine($"{grid.Parameters / 1e6:F1} M parameters a path, {type}, {pool.Count} threads; reading {bytes / 1e6:F0} MB: {bandwidth / 1e9:F1} GB/s");

        foreach (int rows in (int[])[1, 16, 512])
        {
            Products(pool, grid, type, shape, rows, bandwidth);
        }

        double one = Decode(pass, pages, grid, sequences: 1, paths: 1, together: true);
        Console.WriteLine($"decode, batch 1: {1 / one:F1} tokens/s, {bytes / one / bandwidth:F2} of the bandwidth");
        double sixteen = Decode(pass, pages, grid, sequences: 16, paths: 1, together: true);
        Console.WriteLine($"decode, batch 16 on one path: {16 / sixteen:F1} tokens/s, {16 * one / sixteen:F2} times batch 1");
        double grouped = Decode(pass, pages, grid, sequences: 16, paths: 16, together: true);
        double separate = Decode(pass, pages, grid, sequences: 16, paths: 16, together: false);
        Console.WriteLine($"decode, 16 sequences on 16 paths: {16 / grouped:F1} tokens/s grouped by module, {16 / separate:F1} path by path: {separate / grouped:F2} times");
        Prefill(pass, pages, grid, shape);
        Switch(pass, pages, grid, shape);
    }

    internal static TransformerShape Small { get; } = new()
    {
        Vocabulary = 8192, Blocks = 8, Width = 512, Heads = 8, KeyValueHeads = 8, HeadWidth = 64, FeedForward = 1408,
    };

    internal static TransformerShape Large { get; } = new()
    {
        Vocabulary = 32_000, Blocks = 12, Width = 896, Heads = 16, KeyValueHeads = 16, HeadWidth = 64, FeedForward = 2400,
    };

    /// <summary>Seconds of a step that writes one token of each sequence: the median of a round, the best of some rounds, the first of which is compiled half-way.</summary>
    private static double Decode(ForwardPass pass, PagePool pages, Grid grid, int sequences, int paths, bool together) =>
        Enumerable.Range(0, 6).Min(_ => DecodeRound(pass, pages, grid, sequences, paths, together));

    private static double DecodeRound(ForwardPass pass, PagePool pages, Grid grid, int sequences, int paths, bool together)
    {
        const int begun = 64;
        const int steps = 24;
        SequenceCache[] caches = [.. Enumerable.Range(0, sequences).Select(_ => pages.TryReserve(begun + steps)!)];
        Silent sink = new();
        for (int i = 0; i < sequences; i++)
        {
            pass.Run([SliceOf(i, 0, begun)], sink);
        }

        List<double> times = [];
        for (int step = 0; step < steps; step++)
        {
            Slice[] slices = [.. Enumerable.Range(0, sequences).Select(i => SliceOf(i, begun + step, 1))];
            double start = Clocks.Wall();
            if (together)
            {
                pass.Run(slices, sink);
            }
            else
            {
                foreach (Slice slice in slices)
                {
                    pass.Run([slice], sink);
                }
            }

            times.Add(Clocks.Wall() - start);
        }

        Array.ForEach(caches, cache => cache.Dispose());
        times.Sort();
        return times[times.Count / 2];

        Slice SliceOf(int i, int position, int count) => new()
        {
            Path = grid.Paths[i % paths], Cache = caches[i], Position = position, Tokens = Enumerable.Range(position + (7 * i), count).ToArray(),
        };
    }

    /// <summary>The products of the first half's blocks alone.</summary>
    private static unsafe void Products(ComputePool pool, Grid grid, WeightType type, TransformerShape shape, int rows, double bandwidth)
    {
        double rate = ProductRate();
        PathWeights path = grid.Paths[0];
        PackedMatrix[] matrices = [.. Enumerable.Range(0, shape.Blocks / 2).SelectMany(at => (PackedMatrix[])[path.Blocks[at].Qkv, path.Blocks[at].Output, path.Blocks[at].Up, path.Blocks[at].Down])];
        using NativeBlock x = new((long)rows * shape.UpRows * sizeof(float));
        using NativeBlock y = new((long)rows * shape.UpRows * sizeof(float));
        using NativeBlock numbers = new((long)rows * sizeof(int));
        for (int row = 0; row < rows; row++)
        {
            ((int*)numbers.Pointer)[row] = row;
        }

        double best = double.MaxValue;
        for (int pass = 0; pass < 6; pass++)
        {
            double start = Clocks.Wall();
            foreach (PackedMatrix matrix in matrices)
            {
                ProductJob job = new() { Weights = matrix, Rows = (int*)numbers.Pointer, RowCount = rows };
                switch (type)
                {
                    case WeightType.Fp32: Product<Fp32Weights>(&job); break;
                    case WeightType.Bf16: Product<Bf16Weights>(&job); break;
                    default: Product<Int8Weights>(&job); break;
                }
            }

            best = Math.Min(best, Clocks.Wall() - start);
        }

        double flops = matrices.Sum(matrix => 2.0 * matrix.Rows * matrix.Padded * rows);
        double bytes = matrices.Sum(matrix => (double)matrix.Rows * matrix.RowBytes);
        Console.WriteLine($"products alone, {rows} rows: {flops / best / 1e9:F0} GFLOP/s, {flops / best / rate:F2} of products in fp32 ({rate / 1e9:F0}); {bytes / best / bandwidth:F2} of the bandwidth");

        void Product<TWeights>(ProductJob* job)
            where TWeights : IWeights => pool.Run(
                new ProductKernel<TWeights> { Jobs = job, JobCount = 1, X = x.Floats, XStride = job->Weights.Padded, Y = y.Floats, YStride = shape.UpRows },
                ProductKernel<TWeights>.Count(job, 1));
    }

    private static void Prefill(ForwardPass pass, PagePool pages, Grid grid, TransformerShape shape)
    {
        (double rate, double best) = (0, double.MaxValue);
        for (int pair = 0; pair < 5; pair++)
        {
            rate = Math.Max(rate, ProductRate());
            best = Math.Min(best, PrefillSeconds(pass, pages, grid.Paths[0]));
        }

        double flops = Context * ((2.0 * (shape.MatrixParameters - ((double)shape.Vocabulary * shape.Width))) + (2.0 * shape.Blocks * shape.Heads * shape.HeadWidth * Context));
        Console.WriteLine($"prefill of {Context} tokens: {Context / best:F0} tokens/s, {flops / best / 1e9:F0} GFLOP/s, {flops / best / rate:F2} of products in fp32 ({rate / 1e9:F0} GFLOP/s)");
    }

    private static double PrefillSeconds(ForwardPass pass, PagePool pages, PathWeights path, int first = 0)
    {
        using SequenceCache cache = pages.TryReserve(Context)!;
        double start = Clocks.Wall();
        Fill(pass, cache, path, first);
        return Clocks.Wall() - start;
    }

    private static void Fill(ForwardPass pass, SequenceCache cache, PathWeights path, int startBlock)
    {
        for (int position = 0; position < Context; position += pass.MaxRows)
        {
            pass.Run([new Slice { Path = path, Cache = cache, Position = position, Tokens = Enumerable.Range(position, pass.MaxRows).ToArray(), StartBlock = startBlock, Logits = LogitRows.None }], new Silent());
        }
    }

    /// <summary>A switch to a path that has the lower level in common, against computing the whole text again.</summary>
    private static void Switch(ForwardPass pass, PagePool pages, Grid grid, TransformerShape shape)
    {
        using SequenceCache cache = pages.TryReserve(Context)!;
        Fill(pass, cache, grid.Paths[0], 0);
        List<double> ratios = [];
        for (int pair = 0; pair < 3; pair++)
        {
            double start = Clocks.Wall();
            Fill(pass, cache, grid.Paths[1], shape.Blocks / 2);
            double part = Clocks.Wall() - start;
            start = Clocks.Wall();
            Fill(pass, cache, grid.Paths[1], 0);
            ratios.Add(part / (Clocks.Wall() - start));
        }

        ratios.Sort();
        Console.WriteLine($"a switch behind {Context} tokens to a path that shares the lower of two levels: {ratios[1]:F2} of computing all again");
    }

    private static double ProductRate()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        torch.Tensor a = torch.rand(2048, 2048);
        torch.Tensor b = torch.rand(2048, 2048);
        double best = double.MaxValue;
        for (int i = 0; i < 4; i++)
        {
            double start = Clocks.Wall();
            using torch.Tensor c = a.mm(b);
            best = Math.Min(best, Clocks.Wall() - start);
        }

        return 2.0 * 2048 * 2048 * 2048 / best;
    }

    private sealed class Silent : IStepSink
    {
        public void Logits(int slice, int index, ReadOnlySpan<float> logits)
        {
        }

        public void Hidden(int slice, int index, ReadOnlySpan<float> hidden)
        {
        }
    }

    /// <summary>A 4 × 4 grid of random weights: a common embedding, two levels.</summary>
    private sealed class Grid : IDisposable
    {
        private readonly List<LoadedModule> _modules = [];
        private readonly ModelTopology _topology;

        public Grid(TransformerShape shape, WeightType type)
        {
            LevelOptions level = new() { Blocks = shape.Blocks / 2, Experts = Experts };
            _topology = ModelTopology.Create(new TopologyOptions { Levels = [level, level], Embedding = Sharing.Shared, Head = Sharing.Shared }, shape);
            Dictionary<ModuleId, LoadedModule> byName = [];
            foreach (ModuleDefinition module in _topology.Modules)
            {
                float[] values = new float[module.Layout.Length];
                uint state = 1;
                foreach (ref float value in values.AsSpan())
                {
                    state = (state * 1664525) + 1013904223;
                    value = ((state >> 8) / (float)(1 << 24) * 0.08f) - 0.04f;
                }

                string file = Path.GetTempFileName();
                using (FileStream stream = File.Create(file))
                {
                    ModuleFile.Write(stream, module.Layout, values);
                }

                byName[module.Id] = LoadedModule.Read(file, module.Layout, type, CancellationToken.None);
                _modules.Add(byName[module.Id]);
                File.Delete(file);
            }

            Paths = [.. _topology.Paths.Select(path => PathWeights.Of(shape.Blocks, [.. _topology.ModulesOf(path).Select(module => byName[module.Id])]))];
        }

        public PathWeights[] Paths { get; }

        public long Parameters => _topology.ModulesOf(new PathId(0)).Sum(module => module.Layout.Parameters);

        /// <summary>Bytes that a token reads: with a tied embedding all matrices, since they are the output matrix as well.</summary>
        public long PathBytes(TransformerShape shape, WeightType type) => shape.MatrixParameters * PackedMatrix.ElementBytes(type);

        public void Dispose() => _modules.ForEach(module => module.Dispose());
    }
}
