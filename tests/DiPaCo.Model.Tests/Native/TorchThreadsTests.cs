using DiPaCo.Model.Native;
using TorchSharp;
using Xunit;

namespace DiPaCo.Model.Tests.Native;

public sealed class TorchThreadsTests
{
    [Fact]
    public void NumberOfThreads_IsSetOnce_AndNotChangedAfterwards()
    {
        TorchThreads.Set(1);
        TorchThreads.Set(1);

        Assert.Equal(1, torch.get_num_threads());
        Assert.Equal(1, torch.get_num_interop_threads());
        var error = Assert.Throws<InvalidOperationException>(() => TorchThreads.Set(2));
        Assert.Contains("already computes with 1 threads", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoThreads_AreRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => TorchThreads.Set(0));
}
