using System.Collections.Immutable;
using System.Globalization;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Simulations;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>simulate</c> shows.</summary>
internal static class SimulationView
{
    /// <summary>Writes a column for each fleet.</summary>
    public static void Write(IAnsiConsole console, Simulation simulation, ImmutableArray<FleetResult> fleets)
    {
        int phases = simulation.Run.Config.Recipe.Phases;
        Table table = new Table().RoundedBorder().AddColumn("workers");
        foreach (FleetResult fleet in fleets)
        {
            table.AddColumn(new TableColumn(Units.Count(fleet.Workers)).RightAligned());
        }

        Row($"{Units.Count(simulation.Phases, "phase")}, wall-clock", fleet => Time(fleet.Seconds));
        Row("last phase", fleet => Time(fleet.PhaseSeconds[^1]));
        Row($"all {Units.Count(phases, "phase")} at that pace", fleet => Time(fleet.Seconds + ((phases - fleet.Phases) * fleet.PhaseSeconds[^1])));
        Row("workers compute", fleet => Units.Percent(fleet.Computing));
        Row("… wait for inputs", fleet => Units.Percent(fleet.WaitingForInputs));
        Row("… wait for outputs to be sent", fleet => Units.Percent(fleet.WaitingForOutputs));
        Row("… have no task", fleet => Units.Percent(fleet.WithoutTask));
        Row("workers are there", fleet => Units.Percent(fleet.Online));
        Row("bytes to workers", fleet => Units.Bytes(fleet.BytesDown));
        Row("bytes from workers", fleet => Units.Bytes(fleet.BytesUp));
        Row("store's connection busy", fleet => Units.Percent(fleet.StoreBusy));
        Row("training done in vain", fleet => string.Create(CultureInfo.InvariantCulture, $"{100 * fleet.RedoneFlops / fleet.UsefulFlops:0.0} %"));
        Row("an outer step, from the last contribution", fleet => Time(fleet.OuterStepSeconds));
        Row("workers that ended suddenly", fleet => Units.Count(fleet.Failures));
        Row("tasks handed over in the middle", fleet => Units.Count(fleet.HandOvers));
        Row("steps lost / made twice", fleet => $"{fleet.LostSteps} / {fleet.DuplicatedSteps}");
        Row("bottleneck", fleet => fleet.Bottleneck);
        Row("synchronous, the same steps", fleet => Time(fleet.Synchronous.Seconds));
        Row("… times longer", fleet => string.Create(CultureInfo.InvariantCulture, $"{fleet.Synchronous.Seconds / fleet.Seconds:0.0}"));
        console.Write(table);
        console.WriteLine("Times are virtual. The synchronous run is calculated and nothing ever fails in it: every path's gradient travels at each step, in 2 bytes an element, each way.");

        void Row(string name, Func<FleetResult, string> value) => table.AddRow([name, .. fleets.Select(value)]);
    }

    private static string Time(double seconds) => Units.Duration(TimeSpan.FromSeconds(seconds));
}
