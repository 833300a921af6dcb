using DiPaCo.Core.Configuration;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Simulations;

/// <summary>Simulates a run on fleets of workers that are not there.</summary>
public static class ClusterSimulation
{
    /// <summary>Simulates one fleet.</summary>
    /// <param name="simulation">The run and the workers.</param>
    /// <param name="workers">How many.</param>
    /// <param name="cancellationToken">Ends the simulation.</param>
    /// <exception cref="DiPaCoException">The run cannot be trained on such workers.</exception>
    public static FleetResult Run(Simulation simulation, int workers, CancellationToken cancellationToken) =>
        FleetSimulation.Run(simulation, workers, cancellationToken);
}
