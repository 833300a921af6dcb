using DiPaCo.Core.Configuration;
using DiPaCo.Model.Devices;
using DiPaCo.Model.Native;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training.Benchmarking;
using TorchSharp;

namespace DiPaCo.Runtime;

/// <summary>The machine as a run uses it: libtorch loaded, device chosen, threads set once.</summary>
internal sealed class ComputeSetup : IDisposable
{
    private const int Products = 5;

    // A worker that comes back after a failure is waited for.
    private static readonly TimeSpan ProductTime = TimeSpan.FromSeconds(0.3);

    private readonly torch.Device _device;

    private ComputeSetup(torch.Device device, int threads, TimeProvider time)
    {
        _device = device;
        Threads = threads;
        Executor = new LocalExecutor(device, threads, time);
    }

    public int Threads { get; }

    public LocalExecutor Executor { get; }

    /// <exception cref="Core.DiPaCoException">libtorch cannot be loaded, or the machine has no such device.</exception>
    public static ComputeSetup Of(RunConfig config, TimeProvider time) => Of(config.Device, config.Threads, time);

    /// <exception cref="Core.DiPaCoException">libtorch cannot be loaded, or the machine has no such device.</exception>
    public static ComputeSetup Of(string name, int threads, TimeProvider time)
    {
        TorchLibrary.Initialize();
        torch.Device device = ComputeDevice.Resolve(name);
        threads = threads > 0 ? threads : Environment.ProcessorCount;
        TorchThreads.Set(threads);
        return new ComputeSetup(device, threads, time);
    }

    /// <summary>The kind of device, <c>cpu</c> or <c>cuda</c>.</summary>
    public string Device => _device.type == DeviceType.CPU ? "cpu" : "cuda";

    /// <summary>What decides how this machine rounds in a compute type.</summary>
    public ComputeRecord RecordOf(ComputeType compute) => new(Device, TorchLibrary.Version, MachineInfo.RoundingOf(compute));

    /// <summary>The machine, and on request its rate of matrix products on the processor; on a GPU the rate is not measured.</summary>
    public MachineSummary Describe(ComputeType compute, bool measure) => MachineInfo.Of(Threads, _device.ToString(), compute) with
    {
        MatrixFlopsPerSecond = measure && _device.type == DeviceType.CPU ? GemmRate.Measure(compute, Products, ProductTime) : 0,
    };

    /// <inheritdoc/>
    public void Dispose() => Executor.Dispose();
}
