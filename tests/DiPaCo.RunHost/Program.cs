using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;

// A process for tests to kill. `CONFIG RUN` trains; `CONFIG RUN STEP N` ends itself when a kind of storage step is reached for the n-th
// time, and `CONFIG RUN new N FILE M` at the n-th step that is not among those in FILE, or at the m-th where there is no FILE.
try
{
    IStorageSteps? steps = args switch
    {
        [_, _, "new", string stride, string known, string first] => new KillingAtNewSteps(
            args[1], known, int.Parse(stride, CultureInfo.InvariantCulture), int.Parse(first, CultureInfo.InvariantCulture)),
        [_, _, string step, string occurrence] => new KillingSteps(Enum.Parse<StorageStep>(step), int.Parse(occurrence, CultureInfo.InvariantCulture)),
        _ => null,
    };
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
