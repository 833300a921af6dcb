using System.Text;
using DiPaCo.Cli;
using DiPaCo.Cli.Bench;
using DiPaCo.Cli.Engine;
using DiPaCo.Cli.Output;

// Bars, check marks and the names of models need it; Unix consoles have it anyway.
Console.OutputEncoding = Encoding.UTF8;

using StopSignal stop = new();
CliServices services = new(new RuntimeEngine(TimeProvider.System), new MachineBench(), Terminal.OfProcess(), TimeProvider.System);
return await new Application(services).RunAsync(args, stop.Token);
