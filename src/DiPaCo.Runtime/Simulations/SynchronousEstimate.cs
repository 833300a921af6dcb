using System.Collections.Immutable;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Simulations;

/// <summary>
/// The same model trained synchronously on the same fleet: at each step every path computes a gradient, every module averages those of its
/// paths, and every worker fetches the new parameters. Calculated, in favour of that: nobody fails or goes home, nothing but the worker's own
/// connection takes time, and gradients and parameters travel in 2 bytes an element.
/// </summary>
/// <param name="Seconds">For as many steps as the simulated phases have.</param>
/// <param name="ComputingSeconds">Of these, in which the slowest worker computes.</param>
/// <param name="BytesUp">Bytes from workers.</param>
/// <param name="BytesDown">Bytes to workers.</param>
public sealed record SynchronousEstimate(double Seconds, double ComputingSeconds, double BytesUp, double BytesDown)
{
    private const double BytesOfElement = 2;
    private const double BytesPerMegabit = 125_000;

    internal static SynchronousEstimate Of(Simulation simulation, SimulationTasks costs, ImmutableArray<double> flopsPerSecond)
    {
        // Paths are spread by speed as evenly as they can be: the next one goes to whoever would be done with it first.
        int paths = costs.Topology.Paths.Length;
        PriorityQueue<int, double> free = new();
        for (int worker = 0; worker < flopsPerSecond.Length; worker++)
        {
            free.Enqueue(worker, costs.StepFlops / flopsPerSecond[worker]);
        }

        int[] share = new int[flopsPerSecond.Length];
        double slowest = 0;
        for (int path = 0; path < paths; path++)
        {
            free.TryDequeue(out int worker, out double end);
            share[worker]++;
            slowest = Math.Max(slowest, end);
            free.Enqueue(worker, end + (costs.StepFlops / flopsPerSecond[worker]));
        }

        double bytes = BytesOfElement * costs.PathParameters;
        double busiest = share.Max();
        double exchange = busiest * bytes * ((1 / simulation.Worker.UploadMegabits) + (1 / simulation.Worker.DownloadMegabits)) / BytesPerMegabit;
        double latency = 2 * simulation.Worker.LatencyMilliseconds / 1_000;
        double steps = Enumerable.Range(0, simulation.Phases).Sum(phase => (double)Core.Planning.PhasePlan.Of(simulation.Run.Config)[new Core.Phase(phase)].Steps);
        return new SynchronousEstimate(
            steps * (slowest + exchange + latency), steps * slowest, steps * bytes * paths, steps * bytes * paths);
    }
}
