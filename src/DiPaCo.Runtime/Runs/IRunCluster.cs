namespace DiPaCo.Runtime;

/// <summary>Has the tasks of runs computed elsewhere than in the calling thread: by workers of this process, of other processes and machines.</summary>
public interface IRunCluster
{
    /// <summary>Prepares the computing of a run.</summary>
    /// <param name="context">The run.</param>
    /// <param name="cancellationToken">Ends the preparation.</param>
    Task<IRunExecution> BeginAsync(RunExecutionContext context, CancellationToken cancellationToken);
}
