using System.Globalization;

namespace DiPaCo.Benchmarks;

/// <summary>What several processes cost beside one: the runtime itself, a slow network, workers that end, tasks that move.</summary>
internal static class ClusterTable
{
    private const double LinkBytes = 100e6 / 8;
    private const double LinkDelay = 0.05;

    public static async Task PrintAsync(string[] args)
    {
        foreach (string part in args.Length > 0 ? args : ["runtime", "link", "failures", "handover", "dispatcher"])
        {
            await (part switch
            {
                "runtime" => RuntimeAsync(),
                "link" => LinkAsync(ListOf("TASKS", "8 4 2")),
                "failures" => FailuresAsync(),
                "handover" => HandOverAsync(),
                "dispatcher" => DispatcherTable.PrintAsync(),
                _ => throw new ArgumentException($"'{part}' is none of runtime, link, failures, handover, dispatcher."),
            });
        }
    }

    /// <summary>4 paths of 5.8 M: one process of two threads, then two workers of one thread each, in turn.</summary>
    private static async Task RuntimeAsync()
    {
        using ClusterRun run = new(width: 256, blocks: 3, experts: (2, 2), phases: 3, steps: 60);
        for (int round = 0; round < 2; round++)
        {
            ClusterTime alone = await run.AloneAsync();
            ClusterTime workers = await run.OnWorkersAsync(null, []);
            Print($"runtime: one process of 2 threads {alone.Rate:F0} tokens/s ({alone.Wall:F1} s), 2 workers of 1 thread {workers.Rate:F0} ({workers.Wall:F1} s, computing {workers.Useful:P1}): {workers.Rate / alone.Rate:F2}");
        }
    }

    /// <summary>
    /// Two workers, each behind 100 Mbit/s and 50 ms; the process beside the store makes outer steps. A phase is about 60 s of computing and 60 MB of deltas of each worker, and twice
    /// that of moments, in 8 tasks of paths of 1.7 M or in 4 of 4.2 M; or 2 minutes and 126 MB in 2 tasks of 15.7 M.
    /// </summary>
    private static async Task LinkAsync(string[] tasks)
    {
        foreach (string each in tasks)
        {
            await (each switch
            {
                "8" => LinkAsync(width: 192, blocks: 1, experts: (4, 4), StepsOf(70)),
                "4" => LinkAsync(width: 256, blocks: 2, experts: (2, 4), StepsOf(60)),
                "2" => LinkAsync(width: 384, blocks: 4, experts: (2, 2), StepsOf(75)),
                _ => throw new ArgumentException($"'{each}' tasks a worker and phase: 8, 4 or 2 were expected."),
            });
        }
    }

    private static async Task LinkAsync(int width, int blocks, (int First, int Second) experts, int steps)
    {
        using ClusterRun run = new(width, blocks, experts, NumberOf("PHASES", 3), steps);
        foreach (string slots in ListOf("SLOTS", "2 1"))
        {
            ClusterTime time = await run.OnWorkersAsync(port => new ShapedLink(port, LinkBytes, LinkDelay), ["--slots", slots]);
            Print($"link of 100 Mbit/s and 50 ms, {experts.First * experts.Second} paths, tasks of {time.Task:F1} s, --slots {slots}: computing {time.Useful:P1} of {time.Wall:F1} s");
        }
    }

    /// <summary>One of two workers is killed every 30 s, in turn, and started again.</summary>
    private static async Task FailuresAsync()
    {
        int experts = NumberOf("EXPERTS", 2);
        using ClusterRun run = new(width: 256, blocks: 3, experts: (experts, experts), phases: 4, steps: StepsOf(150));
        ClusterTime undisturbed = await run.OnWorkersAsync(null, []);
        Print($"failures: undisturbed {undisturbed.Wall:F1} s, tasks of {undisturbed.Task:F1} s");
        foreach (string checkpoint in ListOf("CHECKPOINTS", "5 0"))
        {
            int killed = 0;
            ClusterTime disturbed = await run.OnWorkersAsync(null, ["--checkpoint-every", checkpoint], async (silo, workers, start) =>
            {
                using PeriodicTimer timer = new(TimeSpan.FromSeconds(30), TimeProvider.System);
                while (await timer.WaitForNextTickAsync() && !silo.HasExited)
                {
                    int victim = killed++ % workers.Length;
                    workers[victim].Dispose();
                    workers[victim] = start(victim);
                }
            });
            Print($"failures: {killed} kills, state kept {(checkpoint == "0" ? "never" : $"every {checkpoint} s")}: {disturbed.Wall:F1} s, computing {disturbed.Useful:P1} of it and undisturbed {undisturbed.Useful:P1}: goodput {disturbed.Useful / undisturbed.Useful:F2}, by time alone {undisturbed.Wall / disturbed.Wall:F2}");
        }
    }

    /// <summary>From a worker's end until another, which waits, has its task.</summary>
    private static async Task HandOverAsync()
    {
        using ClusterRun run = new(width: 256, blocks: 3, experts: (1, 1), phases: 1, steps: StepsOf(120));
        int number = 0;
        foreach (bool graceful in new[] { true, true, true, true, false, false, false, false })
        {
            using DipacoProcess silo = run.StartSilo(run.NewRun());
            string invitation = (await ClusterRun.InvitationAsync(silo)).Write();
            using DipacoProcess at = run.StartWorker(invitation, $"worker-{number++}");
            (_, _, int next) = await at.LineAsync("] delivered train");
            await at.LineAsync("] takes train", next);
            using DipacoProcess waiting = run.StartWorker(invitation, $"worker-{number++}");
            await waiting.LineAsync("] waits");

            // A fifth of the task must be made for its state to be worth handing over.
            await Task.Delay(TimeSpan.FromSeconds(8), TimeProvider.System);
            if (waiting.Output.Contains("] takes train", StringComparison.Ordinal))
            {
                Console.WriteLine("hand-over: the machine is so slow that the task was taken for a straggler's, and the other has it already");
                continue;
            }

            double begun = Clocks.Wall();
            double givenBack = begun;
            if (graceful)
            {
                at.Terminate();
                (givenBack, string line, _) = await at.LineAsync("] dropped train");
                Console.WriteLine($"hand-over: {line[line.IndexOf("dropped", StringComparison.Ordinal)..]}");
            }
            else
            {
                at.Kill();
            }

            (double taken, _, _) = await waiting.LineAsync("] takes train");
            Print($"hand-over: {(graceful ? "asked to leave" : "killed, a lease being 2 s")}: another has the task after {taken - begun:F2} s, {taken - givenBack:F2} s after it was given back");
        }
    }

    private static int StepsOf(int steps) => NumberOf("STEPS", steps);

    private static string[] ListOf(string name, string otherwise) => (Environment.GetEnvironmentVariable(name) ?? otherwise).Split(' ');

    private static int NumberOf(string name, int otherwise) => int.Parse(Environment.GetEnvironmentVariable(name) ?? $"{otherwise}", CultureInfo.InvariantCulture);

    private static void Print(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
