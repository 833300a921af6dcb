using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>A party whose state is persisted before it answers.</summary>
internal abstract class StatefulParty<TState>(World world, string name, TState state) : Party(world, name)
    where TState : class
{
    /// <summary>As it would be after a crash.</summary>
    public TState Saved { get; protected set; } = state;

    /// <summary>As it is in the step that is being made.</summary>
    protected TState State { get; set; } = state;

    public override void Recover()
    {
        Saved = World.Faults.ThroughJson ? RulesJson.Read<TState>(RulesJson.Write(Saved)) : Saved;
        State = Saved;
    }

    public override void Begin() => State = Saved;

    public override void Commit()
    {
        if (!ReferenceEquals(State, Saved))
        {
            Check(Saved, State);
            Saved = State;
        }
    }

    /// <summary>Checks the invariants of a change of state.</summary>
    protected abstract void Check(TState before, TState after);
}
