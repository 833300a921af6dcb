using DiPaCo.Runtime.Tasks;
using Xunit;

namespace DiPaCo.Cluster.Tests.Workers;

/// <summary>How long a task takes is judged by its steps, not by what came before them.</summary>
public sealed class ProgressBufferTests
{
    [Theory]
    [InlineData(0, 0.0)]
    [InlineData(500, 300.0)]
    public void TheRateIsThatOfTheStepsFromTheFirstOneOn(int doneBefore, double waited)
    {
        SteppedTime time = new();
        ProgressBuffer progress = new(time);
        time.Pass(waited);
        Assert.Equal(TimeSpan.Zero, progress.TimeOf(1));
        progress.Report(new TaskStep(doneBefore + 1, 1000));
        Assert.Equal(TimeSpan.Zero, progress.TimeOf(1));
        for (int step = 2; step <= 101; step++)
        {
            time.Pass(2);
            progress.Report(new TaskStep(doneBefore + step, 1000));
        }

        Assert.Equal(2000, progress.TimeOf(1).TotalSeconds, 1e-3);
        Assert.Equal(500, progress.TimeOf(0.25).TotalSeconds, 1e-3);

        // One that stands still takes longer and longer.
        time.Pass(200);
        Assert.Equal(4000, progress.TimeOf(1).TotalSeconds, 1e-3);
    }

    private sealed class SteppedTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Pass(double seconds) => _now += (long)(seconds * TimeSpan.TicksPerSecond);

        public override long GetTimestamp() => _now;
    }
}
