using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>The undisturbed run: one phase after the other, first all paths, then all modules. None of the rules is used.</summary>
internal sealed class Reference
{
    public Dictionary<(ModuleId Module, int Version), ModuleVersion> Versions { get; } = [];

    /// <summary>What each version is made of, by the phase that it ends.</summary>
    public Dictionary<(ModuleId Module, int Phase), ImmutableArray<PathContribution>> Contributions { get; } = [];

    public Dictionary<PathId, PathPosition> Paths { get; } = [];

    public List<PhaseLedger> Ledger { get; } = [];

    public Reference(Setting setting)
    {
        foreach (ModuleId module in setting.Modules)
        {
            Versions[(module, 0)] = new ModuleVersion(module, new Phase(0), Setting.Fork(module), null);
        }

        for (int phase = 0; phase < setting.Phases; phase++)
        {
            Dictionary<ModuleId, List<PathContribution>> brought = setting.Modules.ToDictionary(module => module, _ => new List<PathContribution>());
            int count = 0;
            long documents = 0, tokens = 0;
            foreach (PathId path in Setting.Paths)
            {
                if (!setting.HasTurn(path, new Phase(phase)))
                {
                    continue;
                }

                PathPosition position = Paths.GetValueOrDefault(path, new PathPosition(null, 0));
                TaskKey key = Arithmetic.KeyOf(new NeededTraining(
                    path, new Phase(phase), Setting.Steps, position.StepsMade,
                    [.. setting.ModulesOf(path).Select(module => Versions[(module, phase)])], position.Optimizer));
                foreach (ModuleId module in setting.ModulesOf(path))
                {
                    brought[module].Add(new PathContribution(path, module, new Phase(phase), Arithmetic.Output(key, module.Name, Arithmetic.Fingerprint), 1 + path.Value));
                }

                Paths[path] = new PathPosition(Arithmetic.Output(key, "optimizer", Arithmetic.Fingerprint), position.StepsMade + Setting.Steps);
                (long read, long scored) = Arithmetic.Counts(Arithmetic.Metrics(key));
                (count, documents, tokens) = (count + 1, documents + read, tokens + scored);
            }

            foreach ((ModuleId module, List<PathContribution> contributions) in brought)
            {
                Contributions[(module, phase)] = [.. contributions];
                ModuleVersion start = Versions[(module, phase)];
                ModuleVersion next = start with { Version = new Phase(phase + 1) };
                if (contributions.Count > 0)
                {
                    TaskKey key = Arithmetic.KeyOf(new NeededOuterStep(start, [.. contributions]));
                    next = module == Setting.Private
                        ? next with { Blob = contributions.Single().Blob }
                        : next with { Blob = Arithmetic.Output(key, "module", Arithmetic.Fingerprint), Momentum = Arithmetic.Output(key, "momentum", Arithmetic.Fingerprint) };
                }

                Versions[(module, phase + 1)] = next;
            }

            Ledger.Add(new PhaseLedger(new Phase(phase), count, count * Setting.Steps, documents, tokens, 0, 0));
        }
    }
}
