namespace DiPaCo.Runtime.Simulations;

/// <summary>One direction of a connection: transfers go one after the other, at its rate.</summary>
/// <param name="megabits">Megabits per second; infinite where nothing has to travel.</param>
internal sealed class SimulatedLink(double megabits)
{
    private const double BytesPerMegabit = 125_000;

    private TimeSpan _free;

    /// <summary>Bytes that were sent.</summary>
    public double Bytes { get; private set; }

    /// <summary>Time in which something was sent.</summary>
    public TimeSpan Busy { get; private set; }

    /// <summary>Sends bytes over a worker's link and the store's at once; each is held for as long as it would need alone.</summary>
    /// <param name="own">The worker's.</param>
    /// <param name="shared">The store's.</param>
    /// <param name="bytes">How many.</param>
    /// <param name="now">Since the start.</param>
    /// <param name="latency">Before the first byte.</param>
    /// <returns>When the last byte arrives.</returns>
    public static TimeSpan Send(SimulatedLink own, SimulatedLink shared, double bytes, TimeSpan now, TimeSpan latency)
    {
        TimeSpan first = own.Take(bytes, now + latency);
        TimeSpan second = shared.Take(bytes, now + latency);
        return first > second ? first : second;
    }

    /// <summary>Whoever was sending is gone: the link is free.</summary>
    public void Clear(TimeSpan now) => _free = _free < now ? _free : now;

    private TimeSpan Take(double bytes, TimeSpan now)
    {
        TimeSpan length = double.IsPositiveInfinity(megabits) ? TimeSpan.Zero : TimeSpan.FromSeconds(bytes / (megabits * BytesPerMegabit));
        _free = (_free > now ? _free : now) + length;
        Bytes += bytes;
        Busy += length;
        return _free;
    }
}
