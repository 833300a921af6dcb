using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;

// A process for tests to kill: `CONFIG RUN [STEP OCCURRENCE]` trains, and ends itself when a storage step is reached for the n-th time.
try
{
    IStorageSteps? steps = args is [_, _, string step, string occurrence]
        ? new KillingSteps(Enum.Parse<StorageStep>(step), int.Parse(occurrence, CultureInfo.InvariantCulture))
        : null;
    Console.WriteLine("started");
    RunResults results = await new RunEngine(TimeProvider.System, steps) { MeasuresMachine = false }.TrainAsync(
        RunConfigLoader.Load(args[0]), args[1], new SilentObserver(), CancellationToken.None);
    Console.WriteLine($"finished {results.ModelDigest}");
    return 0;
}
catch (DiPaCoException exception)
{
    Console.WriteLine($"refused {exception.Message}");
    return 1;
}
