using System.Collections.Immutable;
using System.CommandLine;
using DiPaCo.Cli.Output;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Simulations;

namespace DiPaCo.Cli.Commands;

/// <summary><c>dipaco simulate FILE</c>: a run on a fleet that is not there.</summary>
internal static class SimulateCommand
{
    /// <summary>Builds the verb.</summary>
    public static Command Create(CliServices services)
    {
        Argument<string> file = new("file") { HelpName = "FILE", Description = "The simulation (YAML): a run's configuration, and fleets of workers." };
        Option<bool> json = CommonOptions.Json();
        Command command = new("simulate", "Run a configuration on workers that are not there, in virtual time: wall-clock, utilization, bytes, bottleneck.") { file, json };
        command.SetAction((parsed, cancellation) =>
        {
            Simulation simulation = SimulationLoader.Load(parsed.GetRequiredValue(file));
            ImmutableArray<FleetResult> fleets = [.. simulation.Workers.Select(workers => ClusterSimulation.Run(simulation, workers, cancellation))];
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(services.Terminal, new SimulationResult(simulation.Name, simulation.Run.Config.Name, fleets));
            }
            else
            {
                SimulationView.Write(services.Terminal.Standard, simulation, fleets);
            }

            return Task.FromResult(ExitCodes.Success);
        });
        return command;
    }
}
