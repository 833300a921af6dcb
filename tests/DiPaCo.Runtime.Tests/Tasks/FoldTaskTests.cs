using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Model.SafeTensors;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Storage;
using DiPaCo.Training;
using DiPaCo.Training.Codecs;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>Contributions that are added up while others are on their way: sums of a group, and outer steps that go on from them.</summary>
public sealed class FoldTaskTests : IDisposable
{
    private const int Threads = 2;

    private const int Paths = 7;

    /// <summary>More than one piece, and no multiple of it; and less than one.</summary>
    private static readonly TransformerShape Large = ShapeOf(vocabulary: 1100), Tiny = ShapeOf(vocabulary: 40);
    private static readonly ImmutableArray<double> Weights = [0.25, 0.125, 0, 0.3, 0.1, 0.2, 0.025];

    private readonly TemporaryFolder _folder = new();
    private readonly FolderBlobStore _store;

    public FoldTaskTests() => _store = new FolderBlobStore(_folder.Path);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null)]
    [InlineData(DeltaCodec.Fp32)]
    [InlineData(DeltaCodec.Bf16)]
    [InlineData(DeltaCodec.Int8)]
    [InlineData(DeltaCodec.Int4)]
    [InlineData(DeltaCodec.TopK)]
    public async Task WhereverTheChainIsCut_VersionMomentumNormsAndCosineAreThoseOfOneOuterStep(DeltaCodec? codec)
    {
        foreach (TransformerShape shape in new[] { Large, Tiny })
        {
            OuterSpec whole = await SpecAsync(shape, codec);
            Assert.NotEqual(0, ModuleLayout.Of(shape, whole.Module.Parts).Length % ContributionSums.PieceElements);
            TaskResult expected = await OuterTask.ExecuteAsync(whole, Threads, _store, Cancellation);

            foreach (int[] groups in new int[][] { [1, 1, 1, 1, 1, 1], [2, 2], [3, 3], [6], [3] })
            {
                OuterSpec rest = await FoldedAsync(whole, groups);
                Assert.Equal(Paths - groups.Sum(), rest.Contributions.Length);
                TaskResult found = await OuterTask.ExecuteAsync(rest, Threads, _store, Cancellation);

                Assert.Equal(expected.Outputs, found.Outputs);
                Assert.Equal(expected.Metrics, found.Metrics);
            }
        }
    }

    [Fact]
    public async Task TheSums_AreTheWeightedParametersInDoublePrecision_AndTheSquaresTheirDistances()
    {
        OuterSpec whole = await SpecAsync(Large, null);
        ModuleLayout layout = ModuleLayout.Of(Large, whole.Module.Parts);
        FoldSpec first = new(Large, whole.Module, whole.Contributions[..2]);
        TaskResult before = await FoldTask.ExecuteAsync(first, _store, Cancellation);
        FoldSpec second = first with { Before = new FoldedSums(before[FoldSpec.SumsOutput], Weights[..2]), Contributions = whole.Contributions[2..4] };

        TaskResult result = await FoldTask.ExecuteAsync(second, _store, Cancellation);

        float[] theta = await ReadAsync(whole.Module.Blob, layout);
        double[] sums = new double[layout.Length];
        double[] squares = new double[4];
        for (int path = 0; path < 4; path++)
        {
            float[] end = await ReadAsync(whole.Contributions[path].Blob, layout);
            for (int i = 0; i < end.Length; i++)
            {
                sums[i] += Weights[path] * end[i];
                squares[path] += ((double)theta[i] - end[i]) * ((double)theta[i] - end[i]);
            }
        }

        using SafeTensorsReader reader = SafeTensorsReader.Open(await _store.GetFileAsync(result[FoldSpec.SumsOutput], Cancellation));
        double[] found = new double[layout.Length], foundSquares = new double[4];
        reader.ReadInto("sums", found.AsSpan());
        reader.ReadInto("delta_squares", foundSquares.AsSpan());
        Assert.All(Enumerable.Range(0, sums.Length), i => Assert.Equal(sums[i], found[i], 1e-14));
        Assert.All(Enumerable.Range(0, 4), path => Assert.Equal(squares[path], foundSquares[path], 1e-6 * squares[path]));
        Assert.Equal(foundSquares[2..], JsonSerializer.Deserialize<FoldMetrics>(result.Metrics, TaskJson.Options)!.DeltaSquares);
    }

    [Fact]
    public async Task AContributionThatIsNotFinite_IsNamed_AndLeavesNoSums_ButOneWithoutWeightHarmsNobody()
    {
        OuterSpec whole = await SpecAsync(Large, null);
        float[] bad = await ReadAsync(whole.Contributions[1].Blob, ModuleLayout.Of(Large, whole.Module.Parts));
        bad[40_000] = float.NaN;
        Contribution damaged = whole.Contributions[1] with { Blob = await WriteAsync(bad, ModuleLayout.Of(Large, whole.Module.Parts)) };
        FoldSpec fold = new(Large, whole.Module, [whole.Contributions[0], damaged]);
        int blobs = Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Count();

        NonFiniteStepException refusal = await Assert.ThrowsAsync<NonFiniteStepException>(() => FoldTask.ExecuteAsync(fold, _store, Cancellation));

        Assert.StartsWith("The outer gradient of path 3 has the squared norm ", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(blobs, Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Count());

        OuterSpec without = whole with { Contributions = whole.Contributions.SetItem(1, damaged with { Weight = 0 }) };
        TaskResult expected = await OuterTask.ExecuteAsync(without, Threads, _store, Cancellation);
        TaskResult found = await OuterTask.ExecuteAsync(await FoldedAsync(without, [2, 2]), Threads, _store, Cancellation);
        Assert.Equal(expected.Outputs, found.Outputs);
        Assert.Equal(expected.Metrics, found.Metrics);
    }

    [Fact]
    public async Task SumsThatCannotBe_AreRefused()
    {
        OuterSpec whole = await SpecAsync(Tiny, null);
        OuterSpec rest = await FoldedAsync(whole, [2]);
        ModuleLayout layout = ModuleLayout.Of(Tiny, whole.Module.Parts);
        byte[] good = await File.ReadAllBytesAsync(await _store.GetFileAsync(rest.Folded!.Blob, Cancellation), Cancellation);
        int data = good.Length - (8 * ((int)layout.Length + 2));

        // Of another number of contributions, of another module, a module instead of sums, a sum and a norm that are no numbers, too short.
        await RefusedAsync(good, rest with { Folded = rest.Folded with { Weights = Weights[..3] } });
        await RefusedAsync(good, rest with { Module = rest.Module with { Parts = [rest.Module.Parts[0]] } });
        await RefusedAsync(await File.ReadAllBytesAsync(await _store.GetFileAsync(whole.Module.Blob, Cancellation), Cancellation), rest);
        await RefusedAsync(With(data + (8 * 77), double.NaN), rest);
        await RefusedAsync(With(good.Length - 8, -1), rest);
        await RefusedAsync(With(good.Length - 16, double.PositiveInfinity), rest);
        await RefusedAsync(good[..^8], rest);
        await OuterTask.ExecuteAsync(rest with { Folded = rest.Folded with { Blob = await _store.PutAsync(With(data + (8 * 77), 1.5), Cancellation) } }, Threads, _store, Cancellation);

        byte[] With(int at, double value)
        {
            byte[] bytes = [.. good];
            BitConverter.TryWriteBytes(bytes.AsSpan(at), value);
            return bytes;
        }
    }

    private async Task RefusedAsync(byte[] sums, OuterSpec spec)
    {
        BlobHash blob = await _store.PutAsync(sums, Cancellation);
        await Assert.ThrowsAsync<SafeTensorsException>(() => OuterTask.ExecuteAsync(spec with { Folded = spec.Folded! with { Blob = blob } }, Threads, _store, Cancellation));
    }

    /// <summary>The outer step after folds of the first contributions, in groups of so many.</summary>
    private async Task<OuterSpec> FoldedAsync(OuterSpec whole, int[] groups)
    {
        FoldedSums? before = null;
        int folded = 0;
        foreach (int count in groups)
        {
            FoldSpec fold = new(whole.Shape, whole.Module, whole.Contributions[folded..(folded + count)]) { Before = before, Encoded = whole.Encoded };
            TaskResult result = await FoldTask.ExecuteAsync(fold, _store, Cancellation);
            folded += count;
            before = new FoldedSums(result[FoldSpec.SumsOutput], [.. whole.Contributions[..folded].Select(contribution => contribution.Weight)]);
        }

        return whole with { Contributions = whole.Contributions[folded..], Folded = before };
    }

    private async Task<OuterSpec> SpecAsync(TransformerShape shape, DeltaCodec? codec)
    {
        ImmutableArray<TransformerPart> parts = [.. TransformerPart.All(1)];
        ModuleLayout layout = ModuleLayout.Of(shape, parts);
        float[] theta = Draw(layout, 0);
        List<Contribution> contributions = [];
        for (int path = 0; path < Paths; path++)
        {
            float[] end = Draw(layout, 2 + path);
            contributions.Add(new Contribution(new PathId(3 * path), codec is { } encoding ? await EncodeAsync(theta, end, encoding) : await WriteAsync(end, layout), Weights[path]));
        }

        return new OuterSpec(
            shape, new ModuleInput(ModuleId.Dense, parts, await WriteAsync(theta, layout)), await WriteAsync(Draw(layout, 1), layout),
            [.. contributions], new OuterStepOptions(0.7, 0.9, 1.5)) { Encoded = codec is not null };
    }

    private Task<BlobHash> EncodeAsync(float[] theta, float[] end, DeltaCodec codec)
    {
        float[] delta = [.. end.Zip(theta, (own, start) => own - start)];
        IDeltaCodec encoder = DeltaCodecs.Of(codec, 0.1);
        byte[] encoded = new byte[encoder.BytesFor(delta.Length)];
        encoder.Encode(delta, new float[delta.Length], encoded);
        return _store.PutAsync(encoded, Cancellation);
    }

    private Task<BlobHash> WriteAsync(float[] values, ModuleLayout layout) => _store.PutAsync(stream => ModuleFile.Write(stream, layout, values), Cancellation);

    private async Task<float[]> ReadAsync(BlobHash blob, ModuleLayout layout)
    {
        float[] values = new float[layout.Length];
        ModuleFile.Read(await _store.GetFileAsync(blob, Cancellation), layout, values);
        return values;
    }

    private static TransformerShape ShapeOf(int vocabulary) =>
        new() { Vocabulary = vocabulary, Blocks = 1, Width = 40, Heads = 2, KeyValueHeads = 2, HeadWidth = 16, FeedForward = 72 };

    private static float[] Draw(ModuleLayout layout, int which)
    {
        RandomStream random = new(1, "fold-task", which);
        float[] values = new float[layout.Length];
        foreach (NamedTensor tensor in layout.Tensors)
        {
            for (long i = 0; i < tensor.Length; i++)
            {
                values[tensor.Offset + i] = (float)random.NextGaussian();
            }
        }

        return values;
    }
}
