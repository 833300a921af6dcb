namespace DiPaCo.Runtime.Tests.Support;

/// <summary>A second later at every look.</summary>
internal sealed class SteppingClock : TimeProvider
{
    private long _looks;

    public override long TimestampFrequency => 1;

    public override long GetTimestamp() => Interlocked.Increment(ref _looks);
}
