using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Native;
using TorchSharp;

namespace DiPaCo.Model.Devices;

/// <summary>Turns a <see cref="DeviceRequest"/> into a device of this machine.</summary>
public static class ComputeDevice
{
    /// <summary>The device that <paramref name="text"/> names (<see cref="DeviceRequest.Parse"/>).</summary>
    /// <exception cref="DiPaCoException">The text is none of the forms, or the machine has no such GPU.</exception>
    public static torch.Device Resolve(string text) => Resolve(DeviceRequest.Parse(text));

    /// <summary>The device that <paramref name="request"/> names. Loads libtorch if it is not loaded yet.</summary>
    /// <exception cref="DiPaCoException">The machine has no such GPU, or this build cannot use it.</exception>
    public static torch.Device Resolve(DeviceRequest request)
    {
        if (request.Kind == DeviceKind.Cpu)
        {
            TorchLibrary.Initialize();
            return torch.CPU;
        }

        TorchLibrary.Initialize();
        int gpus = torch.cuda.is_available() ? torch.cuda.device_count() : 0;
        return Choose(request, gpus) is { } index ? torch.device(DeviceType.CUDA, index) : torch.CPU;
    }

    /// <summary>The number of the GPU to use on a machine with <paramref name="gpus"/> of them; null means the CPU.</summary>
    internal static int? Choose(DeviceRequest request, int gpus) => request.Kind switch
    {
        DeviceKind.Cpu => null,
        DeviceKind.Auto => gpus > 0 ? 0 : null,
        _ when request.Index < gpus => request.Index,
        _ when gpus > 0 => throw new DiPaCoException(
            $"device is '{request}', but libtorch sees {gpus} GPU(s) here; expected cuda:0 to cuda:{gpus - 1}, cpu or auto."),
        _ => throw new DiPaCoException(
            $"device is '{request}', but libtorch sees no GPU here. It needs an NVIDIA driver and a libtorch with CUDA: set the " +
            $"environment variable TorchBackend to cuda and build again ('dipaco' from a checkout does), or set {TorchLocator.Variable} to the torch/lib folder of a PyTorch with CUDA. Or set device to cpu or auto."),
    };
}
