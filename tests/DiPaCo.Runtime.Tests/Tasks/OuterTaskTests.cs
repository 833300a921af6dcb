using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Storage;
using DiPaCo.Training;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

public sealed class OuterTaskTests : IDisposable
{
    private const int Threads = 2;

    // The embedding has 2,100 × 64 elements, more than four pieces.
    private static readonly TransformerShape Shape = new()
    {
        Vocabulary = 2100, Blocks = 1, Width = 64, Heads = 2, KeyValueHeads = 2, HeadWidth = 32, FeedForward = 96,
    };

    private static readonly ImmutableArray<TransformerPart> Parts = [.. TransformerPart.All(1)];
    private static readonly ModuleLayout Layout = ModuleLayout.Of(Shape, Parts);

    private readonly TemporaryFolder _folder = new();
    private readonly FolderBlobStore _store;

    public OuterTaskTests() => _store = new FolderBlobStore(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AModuleOfManyPieces_MovesAsTheFormulaSays_AndReportsNormsAndCosine()
    {
        Assert.True(Layout.Length > 4 << 15);
        double[] weights = [0.5, 0.3, 0.2];
        float[] theta = Draw(0);
        float[] momentum = Draw(1);
        float[][] ends = [Draw(2), Draw(3), Draw(4)];
        OuterSpec spec = await SpecAsync(theta, momentum, ends, weights, new OuterStepOptions(0.7, 0.9, 1.5));

        TaskResult result = await OuterTask.ExecuteAsync(spec, Threads, _store, CancellationToken.None);

        OuterMetrics metrics = JsonSerializer.Deserialize<OuterMetrics>(result.Metrics, TaskJson.Options)!;
        float[] next = await ReadAsync(result[OuterSpec.ModuleOutput]);
        float[] nextMomentum = await ReadAsync(result[OuterSpec.MomentumOutput]);
        double gradientSquares = 0;
        double[] deltaSquares = new double[3];
        for (int i = 0; i < theta.Length; i++)
        {
            double delta = 0;
            for (int p = 0; p < 3; p++)
            {
                double own = (double)theta[i] - ends[p][i];
                delta += weights[p] * own;
                deltaSquares[p] += own * own;
            }

            gradientSquares += delta * delta;
            double m = (0.9 * momentum[i]) + (1.5 * delta);
            Assert.Equal(m, nextMomentum[i], 1e-5);
            Assert.Equal(theta[i] - (0.7 * ((1.5 * delta) + (0.9 * m))), next[i], 1e-5);
        }

        double[] norms = [.. deltaSquares.Select(Math.Sqrt)];
        Assert.Equal(Math.Sqrt(gradientSquares), metrics.Norm, 1e-6 * metrics.Norm);
        Assert.Equal(norms.Zip(weights, (norm, weight) => norm * weight).Sum(), metrics.DeltaNorm, 1e-6 * metrics.DeltaNorm);
        Assert.InRange(metrics.Cosine!.Value, 0.3, 0.7);
    }

    [Fact]
    public async Task BytesAndMetricsDoNotDependOnTheThreads()
    {
        OuterSpec spec = await SpecAsync(Draw(0), Draw(1), [Draw(2), Draw(3), Draw(4)], [0.5, 0.3, 0.2], new OuterStepOptions(0.7, 0.9, 1.5));

        TaskResult one = await OuterTask.ExecuteAsync(spec, 1, _store, CancellationToken.None);
        foreach (int threads in new[] { 2, 3, 100 })
        {
            TaskResult several = await OuterTask.ExecuteAsync(spec, threads, _store, CancellationToken.None);
            Assert.Equal(one.Outputs, several.Outputs);
            Assert.Equal(one.Metrics, several.Metrics);
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public async Task AContributionThatIsNotFinite_NeverReachesTheModule_AndIsNamed(float bad)
    {
        float[][] ends = [Draw(2), Draw(3)];
        ends[1][70_000] = bad;
        OuterSpec spec = await SpecAsync(Draw(0), null, ends, [0.5, 0.5], new OuterStepOptions(0.7, 0.9, 1));
        int blobs = Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Count();

        NonFiniteStepException refusal = await Assert.ThrowsAsync<NonFiniteStepException>(() => OuterTask.ExecuteAsync(spec, Threads, _store, CancellationToken.None));

        Assert.StartsWith("The outer gradient of path 1 has the squared norm ", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(blobs, Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Count());

        // Without weight it contributes nothing, whatever is in it.
        OuterSpec without = spec with { Contributions = [spec.Contributions[0] with { Weight = 1 }, spec.Contributions[1] with { Weight = 0 }] };
        OuterSpec alone = spec with { Contributions = [spec.Contributions[0] with { Weight = 1 }] };
        Assert.Equal(
            (await OuterTask.ExecuteAsync(alone, Threads, _store, CancellationToken.None)).Outputs,
            (await OuterTask.ExecuteAsync(without, Threads, _store, CancellationToken.None)).Outputs);
    }

    private async Task<OuterSpec> SpecAsync(float[] theta, float[]? momentum, float[][] ends, double[] weights, OuterStepOptions options)
    {
        List<Contribution> contributions = [];
        for (int p = 0; p < ends.Length; p++)
        {
            contributions.Add(new Contribution(new PathId(p), await WriteAsync(ends[p]), weights[p]));
        }

        return new OuterSpec(
            Shape, new ModuleInput(new ModuleId("dense"), Parts, await WriteAsync(theta)), momentum is null ? null : await WriteAsync(momentum),
            [.. contributions], options);
    }

    private Task<BlobHash> WriteAsync(float[] values) => _store.PutAsync(stream => ModuleFile.Write(stream, Layout, values), CancellationToken.None);

    private async Task<float[]> ReadAsync(BlobHash blob)
    {
        float[] values = new float[Layout.Length];
        ModuleFile.Read(await _store.GetFileAsync(blob, CancellationToken.None), Layout, values);
        return values;
    }

    /// <summary>A module with zeros in its padding, as files have.</summary>
    private static float[] Draw(int which)
    {
        RandomStream random = new(1, "outer-task", which);
        float[] values = new float[Layout.Length];
        foreach (NamedTensor tensor in Layout.Tensors)
        {
            for (long i = 0; i < tensor.Length; i++)
            {
                values[tensor.Offset + i] = (float)random.NextGaussian();
            }
        }

        return values;
    }
}
