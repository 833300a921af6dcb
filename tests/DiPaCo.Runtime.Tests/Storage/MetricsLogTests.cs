using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Runtime.Tests.Storage;

public sealed class MetricsLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Lines_AreAppendedAcrossSessions()
    {
        Append("{\"a\":1}", "{\"a\":2}");
        Append("{\"a\":3}");

        Assert.Equal("{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n", File.ReadAllText(_folder.File("metrics.jsonl")));
    }

    [Fact]
    public async Task MoreStepsThanFit_AreReadWithGapsOfOneSize_AndTheLastRecordOfAStepCounts()
    {
        for (int session = 0; session < 2; session++)
        {
            Append([.. Enumerable.Range(1, 100).SelectMany(step => new[] { Line(0, step, session), Line(1, step, session) })]);
        }

        IReadOnlyList<StepMetric> steps = await MetricsReader.ReadAsync(_folder.File("metrics.jsonl"), CancellationToken.None, most: 60);

        Assert.Equal([.. Repeated(0), .. Repeated(1)], steps.Select(step => (step.Path!.Value.Value, step.Step)));
        Assert.All(steps, step => Assert.Equal(1, step.Loss));

        static IEnumerable<(int, int)> Repeated(int path) => Enumerable.Range(1, 25).Select(i => (path, 4 * i));

        static string Line(int path, int step, double loss) => new StepMetric
        {
            Stage = Stage.Phases, Path = new PathId(path), Step = step, Loss = loss, LearningRate = 1, GradientNorm = 1, Tokens = 1, Seconds = 1,
        }.ToLine();
    }

    [Fact]
    public async Task WhoComputedWhat_IsToldWhereWorkersRoundDifferently_AndIsNoStep()
    {
        string Line(string task, string key, string fingerprint) => new TaskOrigin { Task = task, Key = key, Worker = "w", Fingerprint = fingerprint }.ToLine();
        Append(Line("train", "1", "a"), Line("train", "2", "a"), Line("outer", "3", "a"));
        string metrics = _folder.File("metrics.jsonl");
        Assert.Empty(await MetricsReader.ReadNumericsAsync(metrics, CancellationToken.None));

        // A task that is computed again counts where it was computed last.
        Append(Line("train", "2", "b"));

        Assert.Equal(
            [new NumericsShare("a", "outer", 1), new NumericsShare("a", "train", 1), new NumericsShare("b", "train", 1)],
            await MetricsReader.ReadNumericsAsync(metrics, CancellationToken.None));
        Assert.Empty(await MetricsReader.ReadAsync(metrics, CancellationToken.None));
        Assert.All(await MetricsReader.ReadTimesAsync(metrics, CancellationToken.None), time => Assert.Equal(TimeSpan.Zero, time.Elapsed));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("{\"a\":", "")]
    [InlineData("{\"a\":1}\n", "{\"a\":1}\n")]
    [InlineData("{\"a\":1}\n{\"a\":2}", "{\"a\":1}\n")]
    public void UnfinishedLastLine_IsCutOff(string found, string kept)
    {
        File.WriteAllText(_folder.File("metrics.jsonl"), found);

        Append("{}");

        Assert.Equal(kept + "{}\n", File.ReadAllText(_folder.File("metrics.jsonl")));
    }

    [Fact]
    public void UnfinishedLineLongerThanABuffer_IsCutOff()
    {
        File.WriteAllText(_folder.File("metrics.jsonl"), "{}\n" + new string('x', 100_000));

        Append();

        Assert.Equal("{}\n", File.ReadAllText(_folder.File("metrics.jsonl")));
    }

    [Fact]
    public void TextOfSeveralLines_IsRefused() => Assert.Throws<ArgumentException>(() => Append("{\n}"));

    [Fact]
    public void FullDisk_IsExplained()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "Needs Linux's /dev/full.");
        File.CreateSymbolicLink(_folder.File("metrics.jsonl"), "/dev/full");

        StorageException exception = Assert.Throws<StorageException>(() => Append("{}"));

        Assert.Contains("the disk is full", exception.Message, StringComparison.Ordinal);
    }

    private void Append(params string[] lines)
    {
        using var runLock = RunLock.Acquire(_folder.Path);
        using var metrics = MetricsLog.OpenForWriting(runLock);
        Array.ForEach(lines, metrics.Append);
    }
}
