using DiPaCo.RunHost;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>libtorch's threads belong to a process, so each number of them has one.</summary>
public sealed class ThreadsTests : IDisposable
{
    private readonly string _folder = SmallRun.CreateFolder();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("fp32")]
    [InlineData("bf16")]
    public async Task NumberOfThreads_ChangesNoByte(string compute)
    {
        SmallRun.Prepare(_folder);
        string one = await TrainAsync("1");
        string two = await TrainAsync("2");

        Assert.StartsWith("finished", one, StringComparison.Ordinal);
        Assert.Equal(one, two);
        Assert.Equal(RunContents.Of(Path.Combine(_folder, "run1")), RunContents.Of(Path.Combine(_folder, "run2")));

        async Task<string> TrainAsync(string threads)
        {
            string file = Path.Combine(_folder, $"threads{threads}.yaml");
            string yaml = (await File.ReadAllTextAsync(Path.Combine(_folder, "small.yaml"), Cancellation))
                .Replace("threads: 1", $"threads: {threads}", StringComparison.Ordinal)
                .Replace("compute: fp32", $"compute: {compute}", StringComparison.Ordinal);
            await File.WriteAllTextAsync(file, yaml, Cancellation);
            using TrainingProcess process = TrainingProcess.Start(file, Path.Combine(_folder, $"run{threads}"));
            return await process.EndAsync(Cancellation);
        }
    }
}
