using CsCheck;
using Xunit;

namespace DiPaCo.Training.Tests.Inner;

public sealed class LearningRateScheduleTests
{
    private static readonly LearningRateSchedule Schedule = new(Peak: 0.4, WarmupSteps: 4, TotalSteps: 24, FinalShare: 0.1);

    [Fact]
    public void WarmUp_RisesLinearly_FromTheFirstStepToThePeak() =>
        Assert.Equal([0.1, 0.2, 0.3, 0.4], Enumerable.Range(0, 4).Select(step => Math.Round(Schedule.At(step), 12)));

    [Fact]
    public void Cosine_IsHalfWayInTheMiddle_AndEndsAtTheFinalShare()
    {
        // 20 steps of cosine: after 10 of them half of the way from 0.4 down to 0.04.
        Assert.Equal(0.22, Schedule.At(4 + 9), 1e-12);
        Assert.Equal(0.04, Schedule.At(23), 1e-12);
        Assert.Equal(0.04 + (0.36 * 0.5 * (1 + Math.Cos(Math.PI / 20))), Schedule.At(4), 1e-12);
    }

    [Fact]
    public void StepsBeyondTheStage_KeepTheLastValue() => Assert.Equal(0.04, Schedule.At(1000), 1e-12);

    [Fact]
    public void NewSchedule_BeginsWithANewWarmUp()
    {
        LearningRateSchedule restarted = Schedule with { Peak = 0.2 };

        Assert.Equal(0.05, restarted.At(0), 1e-12);
        Assert.True(restarted.At(0) > Schedule.At(23));
    }

    [Fact]
    public void NoWarmUp_BeginsBelowThePeakByOneStepOfTheCosine() =>
        Assert.Equal(0.5 * (1 + Math.Cos(Math.PI / 10)), new LearningRateSchedule(1, 0, 10, 0).At(0), 1e-12);

    [Fact]
    public void AnySchedule_RisesThenFalls_BetweenFinalShareAndPeak() =>
        Gen.Select(Gen.Double[1e-6, 10], Gen.Int[0, 50], Gen.Int[1, 100], Gen.Double[0, 1]).Sample((peak, warmup, total, share) =>
        {
            LearningRateSchedule schedule = new(peak, warmup, total, share);
            double[] rates = [.. Enumerable.Range(0, total).Select(schedule.At)];

            Assert.All(rates, rate => Assert.InRange(rate, 0, peak * (1 + 1e-12)));
            for (int step = 1; step < total; step++)
            {
                Assert.True(step < warmup ? rates[step] > rates[step - 1] : step == warmup || rates[step] <= rates[step - 1]);
            }

            if (total > warmup)
            {
                Assert.Equal(peak * share, rates[^1], peak * 1e-12);
            }
        });
}
