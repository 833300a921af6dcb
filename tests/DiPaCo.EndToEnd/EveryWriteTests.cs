using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>
/// The smallest run with every kind of task, broken off after every single write. Here the process stays alive and an exception
/// takes the part of the kill, so that hundreds of places take seconds; <see cref="KilledRunTests"/> kills real processes at some.
/// </summary>
public sealed class EveryWriteTests : IDisposable
{
    private readonly string _folder = SmallRun.CreateFolder();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task RunBrokenOffAfterAnyWrite_EndsWithTheBytesOfAnUninterruptedRun()
    {
        LoadedConfig config = SmallestRun();
        BreakingSteps counting = new(int.MaxValue);
        await TrainAsync(config, "reference", counting);
        string[] expected = RunContents.Of(Path.Combine(_folder, "reference"));

        TestContext.Current.SendDiagnosticMessage($"{counting.Count} writes");
        // All of them take minutes; the continuous build takes every seventh, which meets every kind of write of every kind of task.
        int stride = Environment.GetEnvironmentVariable("DIPACO_TEST_EVERY_WRITE") is null ? 7 : 1;
        for (int write = Rotation.FirstOf(stride); write <= counting.Count; write += stride)
        {
            string run = $"broken-{write}";
            await Assert.ThrowsAsync<BrokenOffException>(() => TrainAsync(config, run, new BreakingSteps(write)));
            await TrainAsync(config, run, SilentStorageSteps.Instance);
            Assert.Equal(expected, RunContents.Of(Path.Combine(_folder, run)));
            Directory.Delete(Path.Combine(_folder, run), recursive: true);
        }
    }

    private Task<RunResults> TrainAsync(LoadedConfig config, string run, IStorageSteps steps) =>
        new RunEngine(TimeProvider.System, steps) { MeasuresMachine = false }.TrainAsync(config, Path.Combine(_folder, run), new SilentObserver(), Cancellation);

    private LoadedConfig SmallestRun()
    {
        SmallRun.Prepare(_folder);
        string file = Path.Combine(_folder, "small.yaml");
        string yaml = File.ReadAllText(file)
            .Replace("experts: 2 }", "experts: 1 }", StringComparison.Ordinal)
            .Replace("base_steps: 4", "base_steps: 2", StringComparison.Ordinal)
            .Replace("phases: 2\n", "phases: 1\n", StringComparison.Ordinal)
            .Replace("inner_steps: 2", "inner_steps: 1", StringComparison.Ordinal)
            .Replace("vocabulary: 320", "vocabulary: 270", StringComparison.Ordinal)
            + "outer: { fold_paths: 1 }\n";
        File.WriteAllText(file, yaml);
        return RunConfigLoader.Load(file);
    }

    private sealed class BreakingSteps(int last) : IStorageSteps
    {
        private int _count;

        public int Count => _count;

        public void Reached(StorageStep done, string path)
        {
            if (Interlocked.Increment(ref _count) == last)
            {
                throw new BrokenOffException();
            }
        }
    }

    private sealed class BrokenOffException() : Exception("The run was broken off here.");
}
