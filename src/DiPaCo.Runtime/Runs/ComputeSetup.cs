using System.Runtime.Intrinsics.X86;
using DiPaCo.Core.Configuration;
using DiPaCo.Model.Devices;
using DiPaCo.Model.Native;
using DiPaCo.Runtime.Tasks;
using TorchSharp;

namespace DiPaCo.Runtime;

/// <summary>The machine as a run uses it: libtorch loaded, device chosen, threads set once.</summary>
internal sealed class ComputeSetup : IDisposable
{
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
    public static ComputeSetup Of(RunConfig config, TimeProvider time)
    {
        TorchLibrary.Initialize();
        torch.Device device = ComputeDevice.Resolve(config.Device);
        int threads = config.Threads > 0 ? config.Threads : Environment.ProcessorCount;
        TorchThreads.Set(threads);
        return new ComputeSetup(device, threads, time);
    }

    public MachineSummary Describe(Core.Configuration.ComputeType compute) => new()
    {
        Cores = Environment.ProcessorCount,
        Threads = Threads,
        Simd = Avx512F.IsSupported ? "AVX-512" : Avx2.IsSupported ? "AVX2" : "128-bit",
        Device = _device.ToString(),
        Compute = compute,
    };

    /// <inheritdoc/>
    public void Dispose() => Executor.Dispose();
}
