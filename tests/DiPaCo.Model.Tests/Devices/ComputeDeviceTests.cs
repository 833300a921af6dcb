using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Devices;
using TorchSharp;
using Xunit;

namespace DiPaCo.Model.Tests.Devices;

public sealed class ComputeDeviceTests
{
    [Theory]
    [InlineData("cpu", DeviceKind.Cpu, 0)]
    [InlineData("cuda", DeviceKind.Cuda, 0)]
    [InlineData("cuda:3", DeviceKind.Cuda, 3)]
    [InlineData("auto", DeviceKind.Auto, 0)]
    public void KnownForms_AreRead(string text, DeviceKind kind, int index) =>
        Assert.Equal(new DeviceRequest(kind, index), DeviceRequest.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("gpu")]
    [InlineData("CPU")]
    [InlineData("cuda:")]
    [InlineData("cuda:-1")]
    [InlineData("cuda: 1")]
    [InlineData("cuda:99999999999")]
    public void OtherForms_AreErrorsThatListTheKnownOnes(string text)
    {
        var error = Assert.Throws<DiPaCoException>(() => DeviceRequest.Parse(text));

        Assert.StartsWith($"device is '{text}'; expected cpu, cuda, cuda:N", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("cpu", 2, null)]
    [InlineData("auto", 0, null)]
    [InlineData("auto", 2, 0)]
    [InlineData("cuda", 1, 0)]
    [InlineData("cuda:1", 2, 1)]
    public void Choice_FollowsTheRequestAndTheMachine(string text, int gpus, int? index) =>
        Assert.Equal(index, ComputeDevice.Choose(DeviceRequest.Parse(text), gpus));

    [Theory]
    [InlineData("cuda:2", 2, "expected cuda:0 to cuda:1")]
    [InlineData("cuda", 0, "environment variable TorchBackend to cuda")]
    public void GpuThatIsNotThere_IsAnErrorThatSaysWhatIs(string text, int gpus, string expected)
    {
        var error = Assert.Throws<DiPaCoException>(() => ComputeDevice.Choose(DeviceRequest.Parse(text), gpus));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Cpu_IsAlwaysThere() => Assert.Equal(DeviceType.CPU, ComputeDevice.Resolve("cpu").type);

    [Fact]
    public void Auto_FindsADeviceThatComputes()
    {
        using torch.Tensor two = torch.ones(1, device: ComputeDevice.Resolve("auto")) * 2;

        Assert.Equal(2f, two.item<float>());
    }
}
