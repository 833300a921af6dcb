namespace DiPaCo.Runtime.Recipe;

/// <summary>How many units of a stage are done, when several tasks make them at the same time.</summary>
/// <param name="done">Units done before.</param>
internal sealed class StageCount(long done = 0)
{
    private long _done = done;

    /// <summary>Adds units and returns the sum.</summary>
    public long Add(long units) => Interlocked.Add(ref _done, units);
}
