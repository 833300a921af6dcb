using DiPaCo.Cli.Bench;
using DiPaCo.Cli.Engine;
using DiPaCo.Cli.Output;

namespace DiPaCo.Cli;

/// <summary>What the commands work with.</summary>
/// <param name="Engine">Runs.</param>
/// <param name="Bench">Measurements of the machine.</param>
/// <param name="Terminal">Output.</param>
/// <param name="Clock">Time, for progress only.</param>
/// <param name="Program">How the user calls this program, for commands that can be pasted.</param>
internal sealed record CliServices(IRunEngine Engine, IMachineBench Bench, Terminal Terminal, TimeProvider Clock, string Program = "dipaco");
