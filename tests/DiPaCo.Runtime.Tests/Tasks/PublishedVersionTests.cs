using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Storage;
using DiPaCo.Training;
using DiPaCo.Training.Codecs;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>The versions that paths train from, beside the masters.</summary>
public sealed class PublishedVersionTests : IDisposable
{
    private const int Threads = 2;

    private static readonly TransformerShape Shape = new()
    {
        Vocabulary = 300, Blocks = 1, Width = 64, Heads = 2, KeyValueHeads = 2, HeadWidth = 32, FeedForward = 80,
    };

    private static readonly ImmutableArray<TransformerPart> Parts = [.. TransformerPart.All(1)];
    private static readonly ModuleLayout Layout = ModuleLayout.Of(Shape, Parts);

    private readonly TemporaryFolder _folder = new();
    private readonly FolderBlobStore _store;

    public PublishedVersionTests() => _store = new FolderBlobStore(_folder.Path);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DownloadCodec.Int8, 64, 127)]
    [InlineData(DownloadCodec.Int4, 32, 7)]
    public void WhatAnEncodingLeavesOut_ComesWithTheNextOne_SoErrorsDoNotAddUp(DownloadCodec codec, int block, int levels)
    {
        const int length = 64 * 40;
        RandomStream random = new(3, "published");
        float[] master = Values(random, length, 1);
        float[] published = [.. master];
        double[] reference = [.. master.Select(value => (double)value)];
        double[] leftOut = new double[60];
        for (int step = 0; step < leftOut.Length; step++)
        {
            float[] move = Values(random, length, 1e-2);
            for (int i = 0; i < length; i++)
            {
                master[i] += move[i];
            }

            byte[] delta = Published.Encode(codec, master, [.. published]);
            Published.Advance(published, new MemoryStream(delta));

            using DeltaReader reader = new(new MemoryStream(delta), length);
            float[] decoded = new float[length];
            reader.Read(decoded);
            for (int start = 0; start < length; start += block)
            {
                // A scale is the largest difference of its block over the levels, rounded up to 8 bits; an element is off by half of it.
                double largest = Enumerable.Range(start, block).Max(i => Math.Abs(master[i] - reference[i]));
                double bound = (0.5 * largest / levels * 1.01) + 1e-6;
                for (int i = start; i < start + block; i++)
                {
                    reference[i] += decoded[i];
                    Assert.Equal(reference[i], published[i], 1e-6);
                    Assert.InRange(Math.Abs(master[i] - published[i]), 0, bound);
                    leftOut[step] = Math.Max(leftOut[step], Math.Abs(master[i] - published[i]));
                }
            }
        }

        Assert.InRange(leftOut[^20..].Max(), 1e-9, 2 * leftOut[..20].Max());
    }

    [Theory]
    [InlineData(DownloadCodec.Int8, true)]
    [InlineData(DownloadCodec.Int8, false)]
    [InlineData(DownloadCodec.Int4, false)]
    [InlineData(DownloadCodec.Bf16, true)]
    [InlineData(DownloadCodec.Bf16, false)]
    public async Task TheOuterStep_MovesTheMaster_ByWhatPathsChangedInWhatWasPublished(DownloadCodec download, bool encoded)
    {
        RandomStream random = new(4, "published-outer");
        float[] master = Module(random, 1), start = Rounded(master), first = Module(random, 1), second = Module(random, 1);
        OuterSpec spec = new(
            Shape, new ModuleInput(new ModuleId("m"), Parts, await WriteAsync(master)), null,
            [
                new Contribution(new PathId(0), await ContributionAsync(start, first, encoded), 0.25),
                new Contribution(new PathId(1), await ContributionAsync(start, second, encoded), 0.75),
            ],
            new OuterStepOptions(0.7, 0.9, 1))
        {
            Encoded = encoded, Published = await RoundedFileAsync(start), Download = download,
        };

        TaskResult result = await OuterTask.ExecuteAsync(spec, Threads, _store, Cancellation);

        float[] next = await ReadAsync(result[OuterSpec.ModuleOutput]);
        Assert.All(Enumerable.Range(0, master.Length), i =>
        {
            double mean = (0.25 * ((double)first[i] - start[i])) + (0.75 * ((double)second[i] - start[i]));
            Assert.Equal(master[i] + (0.7 * 1.9 * mean), next[i], encoded ? 0.05 : 1e-5);
        });
        float[] published = await ReadAsync(result[OuterSpec.PublishedOutput]);
        PublishedVersion version = spec.PublishedOf(result)!;
        Assert.Equal(result[OuterSpec.PublishedOutput], version.Blob);
        if (download == DownloadCodec.Bf16)
        {
            Assert.Equal(Rounded(next), published);
            Assert.Null(version.Delta);
            Assert.Equal(3, result.Outputs.Count);
            Assert.InRange(new FileInfo(await _store.GetFileAsync(version.Blob, Cancellation)).Length / (2.0 * Layout.Parameters), 1, 1.05);
            return;
        }

        Assert.Equal(new VersionDelta(spec.Published!.Value, result[OuterSpec.PublishedDeltaOutput]), version.Delta);
        double most = Enumerable.Range(0, next.Length).Max(i => Math.Abs((double)next[i] - start[i]));
        Assert.All(Enumerable.Range(0, next.Length), i => Assert.InRange(Math.Abs((double)next[i] - published[i]), 0, most / (download == DownloadCodec.Int8 ? 250 : 13.5)));
        Assert.Equal(version.Blob, await BuiltAsync(version));
        OuterMetrics metrics = JsonSerializer.Deserialize<OuterMetrics>(result.Metrics, TaskJson.Options)!;
        Assert.Equal(new FileInfo(await _store.GetFileAsync(version.Delta!.Blob, Cancellation)).Length, metrics.PublishedBytes);
    }

    [Fact]
    public async Task TheFirstPublication_IsTakenAgainstTheForkedModule()
    {
        RandomStream random = new(5, "published-first");
        float[] master = Module(random, 1);
        OuterSpec spec = new(
            Shape, new ModuleInput(new ModuleId("m"), Parts, await WriteAsync(master)), null,
            [new Contribution(new PathId(0), await WriteAsync(Module(random, 1)), 1)], new OuterStepOptions(0.7, 0, 1)) { Download = DownloadCodec.Int8 };

        TaskResult result = await OuterTask.ExecuteAsync(spec, Threads, _store, Cancellation);

        PublishedVersion version = spec.PublishedOf(result)!;
        Assert.Equal(spec.Module.Blob, version.Delta!.Base);
        Assert.Equal(version.Blob, await BuiltAsync(version));
        Assert.Equal(
            (await OuterTask.ExecuteAsync(spec with { Download = DownloadCodec.Fp32 }, Threads, _store, Cancellation)).Outputs,
            result.Outputs.RemoveRange([OuterSpec.PublishedOutput, OuterSpec.PublishedDeltaOutput]));
    }

    [Theory]
    [InlineData(DownloadCodec.Bf16)]
    [InlineData(DownloadCodec.Int8)]
    public async Task AParameterThatIsTooLarge_IsNeverPublished(DownloadCodec download)
    {
        RandomStream random = new(6, "published-large");
        float[] master = Module(random, 1);
        master[7] = 3e38f;
        BlobHash blob = await WriteAsync(master);
        OuterSpec spec = new(
            Shape, new ModuleInput(new ModuleId("m"), Parts, await WriteAsync(Module(random, 1))), null,
            [new Contribution(new PathId(0), blob, 1)], new OuterStepOptions(1, 0, 1)) { Download = download };

        // The norm of this delta is infinite in single precision, which the step itself refuses; a momentum is what could get here.
        BlobHash momentum = blob;
        spec = spec with { Momentum = momentum, Contributions = [spec.Contributions[0] with { Blob = spec.Module.Blob }], Options = new OuterStepOptions(1, 0.9, 1) };

        await Assert.ThrowsAsync<NonFiniteStepException>(() => OuterTask.ExecuteAsync(spec, Threads, _store, Cancellation));
    }

    [Fact]
    public async Task ARoundedModule_IsReadInPiecesAsAWhole_AndIsNoContribution()
    {
        RandomStream random = new(7, "rounded");
        float[] values = Module(random, 1);
        string file = await _store.GetFileAsync(await RoundedFileAsync(values), Cancellation);
        float[] whole = new float[Layout.Length], pieces = new float[Layout.Length];
        ModuleFile.Read(file, Layout, whole);
        using (ModulePieces reader = new(file, Layout, mayBeRounded: true))
        {
            for (int first = 0; first < pieces.Length; first += 777)
            {
                reader.Read(first, pieces.AsSpan(first, Math.Min(777, pieces.Length - first)));
            }
        }

        Assert.Equal(Rounded(values), whole);
        Assert.Equal(whole, pieces);
        using ModulePieces strict = new(file, Layout);
        Assert.Contains("BF16", Assert.Throws<Model.SafeTensors.SafeTensorsException>(() => strict.Read(0, pieces)).Message, StringComparison.Ordinal);
    }

    private async Task<BlobHash> BuiltAsync(PublishedVersion version)
    {
        BuildableModule module = new(Shape, Parts, version.Blob, version.Delta!);
        string from = await _store.GetFileAsync(module.Delta.Base, Cancellation), delta = await _store.GetFileAsync(module.Delta.Blob, Cancellation);
        using MemoryStream built = new();
        module.Build(from, delta, built);
        return BlobHash.Of(built.ToArray());
    }

    private async Task<BlobHash> ContributionAsync(float[] start, float[] end, bool encoded)
    {
        if (!encoded)
        {
            return await WriteAsync(end);
        }

        Int8Codec codec = new();
        byte[] bytes = new byte[codec.BytesFor(end.Length)];
        codec.Encode([.. end.Zip(start, (a, b) => a - b)], new float[end.Length], bytes);
        return await _store.PutAsync(bytes, Cancellation);
    }

    private Task<BlobHash> WriteAsync(float[] values) => _store.PutAsync(stream => ModuleFile.Write(stream, Layout, values), Cancellation);

    private Task<BlobHash> RoundedFileAsync(float[] values) => _store.PutAsync(stream => ModuleFile.WriteRounded(stream, Layout, values), Cancellation);

    private async Task<float[]> ReadAsync(BlobHash blob)
    {
        float[] values = new float[Layout.Length];
        ModuleFile.Read(await _store.GetFileAsync(blob, Cancellation), Layout, values);
        return values;
    }

    /// <summary>To the nearer of the two neighbors with 8 significant bits, to the even one from the middle.</summary>
    private static float[] Rounded(float[] values) => [.. values.Select(value =>
    {
        uint below = BitConverter.SingleToUInt32Bits(value) & 0xFFFF_0000, above = below + 0x1_0000;
        double down = Math.Abs((double)value - BitConverter.UInt32BitsToSingle(below)), up = Math.Abs((double)value - BitConverter.UInt32BitsToSingle(above));
        return BitConverter.UInt32BitsToSingle(down < up || (down == up && ((below >> 16) & 1) == 0) ? below : above);
    })];

    private static float[] Values(RandomStream random, int length, double deviation) => [.. Enumerable.Range(0, length).Select(_ => (float)(deviation * random.NextGaussian()))];

    /// <summary>A module with zeros in its padding, as files have.</summary>
    private static float[] Module(RandomStream random, double deviation)
    {
        float[] values = new float[Layout.Length];
        foreach (NamedTensor tensor in Layout.Tensors)
        {
            Values(random, (int)tensor.Length, deviation).CopyTo(values, tensor.Offset);
        }

        return values;
    }
}
