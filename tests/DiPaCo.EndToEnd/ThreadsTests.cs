using System.Diagnostics;
using System.Runtime.Intrinsics;
using DiPaCo.RunHost;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>libtorch's threads, and which vectors the compiler uses, belong to a process; so each number and width of them has one.</summary>
public sealed class ThreadsTests : IDisposable
{
    private readonly string _folder = SmallRun.CreateFolder();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Tensors large enough that libtorch and our kernels divide them, and a number of threads that divides nothing evenly.</summary>
    [Theory]
    [InlineData("fp32")]
    [InlineData("bf16")]
    public async Task NumberOfThreads_ChangesNoByte(string compute)
    {
        SmallRun.Prepare(_folder);
        string one = await TrainAsync("1");
        Assert.StartsWith("finished", one, StringComparison.Ordinal);
        foreach (string threads in new[] { "2", "7" })
        {
            Assert.Equal(one, await TrainAsync(threads));
            Assert.Equal(RunContents.Of(Path.Combine(_folder, "run1")), RunContents.Of(Path.Combine(_folder, $"run{threads}")));
        }

        async Task<string> TrainAsync(string threads)
        {
            using TrainingProcess process = TrainingProcess.Start(await ConfigAsync(compute, threads), Path.Combine(_folder, $"run{threads}"));
            return await process.EndAsync(Cancellation);
        }
    }

    /// <summary>As on two machines, of which only one has vectors of 512 bits: other tiles, and elsewhere halves of vectors.</summary>
    [Fact]
    public async Task WidthOfTheProcessorsVectors_ChangesNoByteInFp32()
    {
        Assert.SkipUnless(Vector512.IsHardwareAccelerated, "This processor has no vectors of 512 bits.");
        SmallRun.Prepare(_folder);
        string config = await ConfigAsync("fp32", "2");
        using TrainingProcess wide = TrainingProcess.Start(config, Path.Combine(_folder, "wide"));
        string expected = await wide.EndAsync(Cancellation);
        using TrainingProcess narrow = TrainingProcess.StartIn(
            new ProcessStartInfo("dotnet") { Environment = { ["DOTNET_EnableAVX512"] = "0" } }, config, Path.Combine(_folder, "narrow"));

        Assert.Equal(expected, await narrow.EndAsync(Cancellation));
        Assert.StartsWith("finished", expected, StringComparison.Ordinal);
        Assert.Equal(RunContents.Of(Path.Combine(_folder, "wide")), RunContents.Of(Path.Combine(_folder, "narrow")));
    }

    private async Task<string> ConfigAsync(string compute, string threads)
    {
        string file = Path.Combine(_folder, $"threads{threads}.yaml");
        string yaml = (await File.ReadAllTextAsync(Path.Combine(_folder, "small.yaml"), Cancellation))
            .Replace("threads: 1", $"threads: {threads}", StringComparison.Ordinal)
            .Replace("compute: fp32", $"compute: {compute}", StringComparison.Ordinal)
            .Replace("width: 32", "width: 192", StringComparison.Ordinal)
            .Replace("head_width: 16", "head_width: 96", StringComparison.Ordinal)
            .Replace("feed_forward: 64", "feed_forward: 512", StringComparison.Ordinal)
            .Replace("sequence_length: 48", "sequence_length: 96", StringComparison.Ordinal)
            .Replace("batch_sequences: 4", "batch_sequences: 16", StringComparison.Ordinal)
            .Replace("micro_batch_sequences: 2", "micro_batch_sequences: 16", StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, yaml, Cancellation);
        return file;
    }
}
