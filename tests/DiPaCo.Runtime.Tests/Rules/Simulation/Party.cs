namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>A process: takes one message at a time, persists, then sends. It may die between any two of these.</summary>
internal abstract class Party(World world, string name)
{
    private readonly HashSet<(object What, int To)> _sent = new(SentComparer.Instance);
    private long _wakeAt = long.MaxValue;

    public string Name { get; } = name;

    public bool IsDown { get; set; }

    public long FrozenUntil { get; set; }

    /// <summary>Counts deaths: what was planned in an earlier life does not happen.</summary>
    public int Life { get; private set; }

    protected World World { get; } = world;

    protected DateTimeOffset Now => World.Time;

    public void Die()
    {
        IsDown = true;
        Life++;
        _sent.Clear();
        _wakeAt = long.MaxValue;
    }

    /// <summary>Comes back with what was persisted.</summary>
    public abstract void Recover();

    /// <summary>Drops what a step has not persisted.</summary>
    public abstract void Begin();

    /// <summary>Sends what is outstanding and was not sent since the last wake.</summary>
    public abstract void SendOutstanding();

    /// <summary>Checks the invariants, and persists.</summary>
    public abstract void Commit();

    /// <summary>Time has passed: everything outstanding is sent again.</summary>
    public virtual void Wake()
    {
        _sent.Clear();
        _wakeAt = long.MaxValue;
    }

    protected void Send(Party to, string what, Action action) => World.Post(this, to, what, action);

    /// <summary>Sends something outstanding, once until the next wake; and sees to it that there is one.</summary>
    protected void SendOnce(object what, int index, Party to, string label, Action action)
    {
        if (_sent.Add((what, index)))
        {
            Send(to, label, action);
        }

        WakeWithin(300 + (int)(World.Now % 97));
    }

    protected void WakeWithin(int milliseconds)
    {
        if (_wakeAt == long.MaxValue)
        {
            _wakeAt = World.Now + milliseconds;
            long at = _wakeAt;
            World.Plan(this, milliseconds, "wakes", () => WakeAt(at));
        }
    }

    private void WakeAt(long at)
    {
        // Another wake may have come in between: then this one is not the next any more.
        if (at == _wakeAt)
        {
            Wake();
        }
    }

    private sealed class SentComparer : IEqualityComparer<(object What, int To)>
    {
        public static readonly SentComparer Instance = new();

        public bool Equals((object What, int To) x, (object What, int To) y) => ReferenceEquals(x.What, y.What) && x.To == y.To;

        public int GetHashCode((object What, int To) obj) => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj.What) ^ obj.To;
    }
}
