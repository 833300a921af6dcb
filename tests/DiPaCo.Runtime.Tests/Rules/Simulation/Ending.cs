using DiPaCo.Core;
using DiPaCo.Runtime.Rules;

namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>What must be true at the end.</summary>
internal static class Ending
{
    public static void Check(World world)
    {
        if (world.Run.Saved.Stage == RunStage.Deleted)
        {
            bool areAllGone = world.Paths.All(path => path.Saved.Status == PathStatus.Deleted || path.Saved.Order is null)
                && world.Modules.All(module => module.Saved.Status == ModuleStatus.Deleted || module.Saved.Order is null);
            if (!areAllGone)
            {
                throw new SimulationException("The run is deleted, but somebody goes on.");
            }

            return;
        }

        foreach (ModuleId module in world.Faults.Setting.Modules)
        {
            ModuleVersion wanted = world.Reference.Versions[(module, world.Faults.Setting.Phases)];
            if (world.Run.Saved.Modules[module] != wanted || world[module].Saved.Latest != wanted)
            {
                throw new SimulationException($"Module {module} ends as {world.Run.Saved.Modules[module].Blob} instead of {wanted.Blob}.");
            }
        }

        foreach ((PathId path, PathPosition wanted) in world.Reference.Paths)
        {
            if (world.Run.Saved.Paths[path] != wanted)
            {
                throw new SimulationException($"Path {path} ends as {world.Run.Saved.Paths[path]} instead of {wanted}.");
            }
        }

        if (!world.Run.Saved.Ledger.SequenceEqual(world.Reference.Ledger))
        {
            throw new SimulationException("The ledger does not end as it should.");
        }
    }
}
