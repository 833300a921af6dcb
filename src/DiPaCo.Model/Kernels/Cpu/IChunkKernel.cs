namespace DiPaCo.Model.Kernels.Cpu;

/// <summary>
/// A loop cut into chunks that do not depend on each other. The cut depends on the data only, never on the number of
/// threads, and no chunk adds to what another one writes: so the bytes are the same with any number of threads.
/// Implementations are unmanaged structs of pointers and sizes, and must not throw.
/// Their loops are compiled with full optimization at once: the runtime's tiers count calls, and a loop of a few long chunks a step
/// stays in a slow tier for many steps.
/// </summary>
internal interface IChunkKernel
{
    /// <summary>Does one chunk.</summary>
    /// <param name="chunk">Number of the chunk, from 0.</param>
    /// <param name="worker">Number of the thread, from 0: for scratch memory only.</param>
    void Run(long chunk, int worker);
}
