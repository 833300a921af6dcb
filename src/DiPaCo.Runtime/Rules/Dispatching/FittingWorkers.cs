namespace DiPaCo.Runtime.Rules;

/// <summary>How many workers are there that tasks fit. Tasks that need the same are counted for once, because a status tells of all of them.</summary>
/// <param name="matching">Says who is there.</param>
/// <param name="state">The dispatcher.</param>
/// <param name="now">Now.</param>
internal sealed class FittingWorkers(Matching matching, DispatcherState state, DateTimeOffset now)
{
    private readonly Dictionary<(long MemoryBytes, string? Fingerprint, bool Beside), (int Live, int Fit)> _counts = [];

    /// <summary>Workers that can be counted on and that take such tasks at all, and those of them that a task fits.</summary>
    public (int Live, int Fit) Of(TaskEntry entry)
    {
        (long, string?, bool) needs = (entry.Demand.MemoryBytes, entry.Demand.Fingerprint, entry.Demand.Beside);
        if (!_counts.TryGetValue(needs, out (int Live, int Fit) count))
        {
            foreach (WorkerEntry worker in state.Workers.Values)
            {
                if (matching.IsLive(worker, now))
                {
                    WaitCause? misfit = Matching.Misfit(state, worker, entry);
                    count.Live += misfit is WaitCause.OuterOnly ? 0 : 1;
                    count.Fit += misfit is null ? 1 : 0;
                }
            }

            _counts[needs] = count;
        }

        return count;
    }
}
