namespace DiPaCo.Runtime.Rules;

/// <summary>Workers and the index of them, changed together.</summary>
internal static class WorkerTable
{
    /// <summary>Adds a worker, or replaces what it offers.</summary>
    public static DispatcherState Put(this DispatcherState state, WorkerEntry worker)
    {
        WorkerId id = worker.Capabilities.Worker;
        return state with
        {
            Workers = state.Workers.SetItem(id, worker),
            OuterWorkers = worker.Capabilities.IsForOuterSteps ? state.OuterWorkers.Add(id) : state.OuterWorkers.Remove(id),
        };
    }

    /// <summary>Forgets a worker, which holds no lease any more.</summary>
    public static DispatcherState Remove(this DispatcherState state, WorkerId worker) =>
        state with { Workers = state.Workers.Remove(worker), OuterWorkers = state.OuterWorkers.Remove(worker) };
}
