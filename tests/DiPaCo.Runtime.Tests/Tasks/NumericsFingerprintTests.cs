using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

public sealed class NumericsFingerprintTests
{
    private const string Worker = "fp32:00112233445566778899 bf16:aabbccddeeff00112233";

    [Fact]
    public async Task OfThisMachine_HasAPartForEachComputeType_AndIsTheSameAgain()
    {
        using LocalExecutor executor = TrainingLab.NewWorker();
        string fingerprint = await NumericsFingerprint.ComputeAsync(executor, TestContext.Current.CancellationToken);

        Assert.Matches("^fp32:[0-9a-f]{64} bf16:[0-9a-f]{64}$", fingerprint);
        Assert.NotEqual(fingerprint[5..69], fingerprint[75..]);
        Assert.Equal(fingerprint, await NumericsFingerprint.ComputeAsync(executor, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(ComputeType.Fp32, "fp32:00112233445566778899")]
    [InlineData(ComputeType.Bf16, "bf16:aabbccddeeff00112233")]
    public void PartForAComputeType_IsWhatARunOfThatTypeWants(ComputeType compute, string part)
    {
        Assert.Equal(part, NumericsFingerprint.For(Worker, compute));
        Assert.True(NumericsFingerprint.Covers(Worker, part));
        Assert.False(NumericsFingerprint.Covers(Worker, part[..^1]));
        Assert.False(NumericsFingerprint.Covers(part, Worker));
        Assert.False(NumericsFingerprint.Covers("", part));
        Assert.True(NumericsFingerprint.Covers("", null));
    }

    [Fact]
    public void Shortened_KeepsTheNames() => Assert.Equal("fp32:001122334455 bf16:aabbccddeeff", NumericsFingerprint.Shortened(Worker));
}
