using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime;

/// <summary>The computing of one run, until it is disposed of.</summary>
public interface IRunExecution : IAsyncDisposable
{
    /// <summary>Computes its tasks.</summary>
    ITaskExecutor Executor { get; }
}
