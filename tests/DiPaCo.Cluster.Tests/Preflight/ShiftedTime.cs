namespace DiPaCo.Cluster.Tests.Preflight;

/// <summary>The clock of a machine that is wrong by some time.</summary>
internal sealed class ShiftedTime(TimeSpan by) : TimeProvider
{
    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
}
