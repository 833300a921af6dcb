using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.StorageHost;

// A process for the storage tests to kill: `work FOLDER TASKS [KILL-AT-STEP]` or `hold FOLDER`.
try
{
    switch (args)
    {
        case ["work", string folder, string tasks, .. string[] killAt]:
            var steps = new KillingSteps(killAt is [string at] ? Number(at) : int.MaxValue);
            await SmallRun.WorkAsync(folder, Number(tasks), steps, Console.Out);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"steps {steps.Count}"));
            return 0;
        case ["hold", string folder]:
            using (RunLock.Acquire(folder))
            {
                Console.WriteLine("held");
                Console.ReadLine();
            }

            return 0;
        default:
            return 64;
    }
}
catch (DiPaCoException exception)
{
    Console.WriteLine($"refused {exception.Message}");
    return 1;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
