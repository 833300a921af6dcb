using System.Text;
using DiPaCo.Cli;
using DiPaCo.Cli.Bench;
using DiPaCo.Cli.Engine;
using DiPaCo.Cli.Output;

// Bars, check marks and the names of models need it; Unix consoles have it anyway.
Console.OutputEncoding = Encoding.UTF8;

using StopSignal stop = new();
// Set by the scripts that start a checkout, where no 'dipaco' is on the path.
string program = Environment.GetEnvironmentVariable("DIPACO_PROGRAM") is { Length: > 0 } name ? Shell.Quote(name) : "dipaco";
CliServices services = new(new RuntimeEngine(TimeProvider.System), new MachineBench(), Terminal.OfProcess(), TimeProvider.System, program);
return await new Application(services).RunAsync(args, stop.Token);
