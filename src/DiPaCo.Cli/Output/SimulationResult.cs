using System.Collections.Immutable;
using DiPaCo.Runtime.Simulations;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>dipaco simulate --json</c> says.</summary>
/// <param name="Name">The simulation.</param>
/// <param name="Run">The run.</param>
/// <param name="Fleets">Each fleet, in the order of the file.</param>
internal sealed record SimulationResult(string Name, string Run, ImmutableArray<FleetResult> Fleets);
