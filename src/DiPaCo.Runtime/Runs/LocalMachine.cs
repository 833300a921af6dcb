using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>This machine as a worker offers it: libtorch loaded, a device chosen, threads set. One in a process.</summary>
public sealed class LocalMachine : IDisposable
{
    private readonly ComputeSetup _setup;

    private LocalMachine(ComputeSetup setup) => _setup = setup;

    /// <summary>Computes tasks.</summary>
    public IDivisibleExecutor Executor => _setup.Executor;

    /// <summary>Prepares the machine.</summary>
    /// <param name="device"><c>cpu</c>, <c>cuda</c>, <c>cuda:n</c> or <c>auto</c>.</param>
    /// <param name="threads">Threads for arithmetic; 0: all cores.</param>
    /// <param name="time">For progress.</param>
    /// <exception cref="Core.DiPaCoException">libtorch cannot be loaded, or the machine has no such device.</exception>
    public static LocalMachine Open(string device, int threads, TimeProvider time) => new(ComputeSetup.Of(device, threads, time));

    /// <summary>What it is, with its rate of matrix products, which takes a second to measure.</summary>
    public MachineSummary Describe() => _setup.Describe(ComputeType.Bf16, measure: true);

    /// <inheritdoc/>
    public void Dispose() => _setup.Dispose();
}
