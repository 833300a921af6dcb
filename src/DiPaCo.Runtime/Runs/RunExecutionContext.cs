using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>A run as a cluster sees it.</summary>
/// <param name="Config">Its configuration.</param>
/// <param name="Folder">Its folder.</param>
/// <param name="Store">Its blobs.</param>
/// <param name="Local">Computes in this process.</param>
/// <param name="Observer">Watches.</param>
public sealed record RunExecutionContext(RunConfig Config, string Folder, IBlobStore Store, IDivisibleExecutor Local, IRunObserver Observer);
