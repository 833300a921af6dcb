using DiPaCo.Cli.Bench;
using DiPaCo.Cli.Engine;
using DiPaCo.Cli.Output;

namespace DiPaCo.Cli;

/// <summary>What the commands work with.</summary>
/// <param name="Engine">Runs.</param>
/// <param name="Bench">Measurements of the machine.</param>
/// <param name="Terminal">Output.</param>
/// <param name="Clock">Time, for progress only.</param>
internal sealed record CliServices(IRunEngine Engine, IMachineBench Bench, Terminal Terminal, TimeProvider Clock);
