using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>The shell around a module's rules.</summary>
internal sealed class ModuleParty(World world, ModuleId module) : StatefulParty<ModuleState>(world, $"module {module}", new ModuleState(Setting.Run, module))
{
    public ModuleId Module => module;

    public void OnOrder(ModuleOrder order)
    {
        (State, OrderReply reply) = ModuleRules.Order(State, order, Now);
        Send(World.Run, "order answered", () => World.Run.OnModuleOrdered(module, reply));
    }

    public void OnContribution(PathParty path, PathContribution contribution)
    {
        (State, ContributionReply reply) = World.Rules.Contribute(State, contribution, Now);
        Send(path, "contribution answered", () => path.OnContributed(reply));
    }

    public void OnSettled(TaskSettled settled)
    {
        State = settled.Outcome is { } outcome
            ? outcome.Outputs.TryGetValue("sums", out BlobHash sums)
                ? ModuleRules.FoldMade(State, settled.Key, sums, Now)
                : ModuleRules.Stepped(State, settled.Key, outcome.Outputs["module"], outcome.Outputs["momentum"], Now)
            : ModuleRules.GivenUp(State, settled.Key, settled.SettledBy, settled.GaveUp!, Now);
        Send(World.Dispatcher, "result acknowledged", () => World.Dispatcher.OnAcknowledged(settled));
    }

    public void OnHeard(PathId path, Phase version) => State = ModuleRules.Heard(State, path, version);

    public void OnRecorded(Phase version, RecordVerdict verdict) => State = verdict == RecordVerdict.NotYet ? State : World.Rules.Recorded(State, version);

    public void OnFailureHeard(long number) => State = ModuleRules.FailureHeard(State, number);

    public void OnDeleted()
    {
        State = ModuleRules.Delete(State, Now);
        Send(World.Run, "deletion heard", () => World.Run.OnModuleDeleted(module));
    }

    public override void SendOutstanding()
    {
        if (World.Rules.FoldNeeded(State) is { } group)
        {
            TaskDemand demand = new(Arithmetic.KeyOf(group), "fold", Setting.Run, TaskOwner.Of(module))
            {
                Flops = 2_000, MemoryBytes = 1, Fingerprint = Arithmetic.Fingerprint, Priority = 1, Beside = true,
                Inputs = [.. group.Contributions.Select(contribution => new TaskInput(contribution.Blob, 100))],
            };
            State = World.Rules.StartFold(State, demand, Now);
        }

        if (World.Rules.TaskNeeded(State) is { } needed)
        {
            TaskDemand demand = new(Arithmetic.KeyOf(needed), "outer", Setting.Run, TaskOwner.Of(module))
            {
                Flops = 2_000, MemoryBytes = 1, Fingerprint = Arithmetic.Fingerprint, Priority = 2, Beside = true,
                Inputs = [.. needed.Contributions.Select(contribution => new TaskInput(contribution.Blob, 100))],
            };
            State = ModuleRules.Start(State, demand, Now);
        }

        ModuleOutstanding outstanding = ModuleRules.Outstanding(State);
        if (outstanding.Submit is { } submit)
        {
            SendOnce(submit, 0, World.Dispatcher, "task", () => World.Dispatcher.OnSubmitted(submit));
        }

        if (outstanding.Latest is { } latest)
        {
            foreach (PathId path in outstanding.Uninformed)
            {
                PathParty party = World.Paths[path.Value];
                SendOnce(latest, path.Value, party, "version", () => party.OnVersion(this, latest));
            }
        }

        foreach (ModuleVersion version in outstanding.Versions)
        {
            SendOnce(version, -1, World.Run, "version", () => World.Run.OnVersion(this, version));
        }

        if (outstanding.Failure is { } failure)
        {
            SendOnce(failure.Reason, 0, World.Run, "failure", () => World.Run.OnFailure(failure, number => () => OnFailureHeard(number), this));
        }
    }

    /// <summary>Every version is made once, from exactly its paths' contributions, and has one blob: the undisturbed run's.</summary>
    protected override void Check(ModuleState before, ModuleState after)
    {
        if (after.Status == ModuleStatus.Deleted || after.Latest is not { } latest)
        {
            return;
        }

        CheckFolded(before, after, latest);
        int first = before.Latest?.Version.Value ?? 0;
        for (int version = first + 1; version <= latest.Version.Value; version++)
        {
            ModuleVersion? published = after.Unrecorded.FirstOrDefault(each => each.Version.Value == version);
            if (published is null)
            {
                throw new SimulationException($"Module {module} skipped version {version}.");
            }

            if (published != World.Reference.Versions[(module, version)])
            {
                throw new SimulationException($"Module {module} published version {version} with blob {published.Blob}, which is not made of exactly its paths' contributions.");
            }
        }

        if (latest.Version.Value < first)
        {
            throw new SimulationException($"Module {module} went back from version {first} to {latest.Version}.");
        }

        if (latest.Version.Value > first && latest.Version.Value > 0)
        {
            Phase made = new(latest.Version.Value - 1);
            PathId[] expected = [.. World.Faults.Setting.PathsOf(module).Where(path => World.Faults.Setting.HasTurn(path, made))];
            if (!after.MadeOf.Keys.SequenceEqual(expected))
            {
                throw new SimulationException($"Version {latest.Version} of module {module} is made of paths {string.Join(", ", after.MadeOf.Keys)}.");
            }

            if (!after.MadeOf.Values.SequenceEqual(World.Reference.Contributions[(module, made.Value)]))
            {
                throw new SimulationException($"Version {latest.Version} of module {module} is made of other contributions than the undisturbed run's.");
            }
        }
    }

    /// <summary>What is folded is always a whole number of groups, of the very contributions that count in the end, none left out and none twice.</summary>
    private void CheckFolded(ModuleState before, ModuleState after, ModuleVersion latest)
    {
        if (after.Folded is not { } folded || folded == before.Folded)
        {
            return;
        }

        int already = before.Latest?.Version == latest.Version ? before.Folded?.Paths ?? 0 : 0;
        ImmutableArray<PathContribution> all = World.Reference.Contributions[(module, latest.Version.Value)];
        if (folded.Paths != already + World.Faults.Setting.FoldPaths || folded.Paths >= all.Length)
        {
            throw new SimulationException($"Module {module} has folded {folded.Paths} of {all.Length} contributions to version {latest.Version.Next}, after {already}.");
        }

        if (folded.Sums != Arithmetic.SumsOf(World.Reference.Versions[(module, latest.Version.Value)], null, all.Take(folded.Paths)))
        {
            throw new SimulationException($"Module {module} has folded other contributions to version {latest.Version.Next} than those that count.");
        }

        World.Seen.Folds++;
        World.Seen.FoldsMeanwhile += after.Contributions.Count < all.Length ? 1 : 0;
    }
}
