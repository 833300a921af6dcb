using System.Globalization;
using DiPaCo.Cluster;
using Spectre.Console;

namespace DiPaCo.Cli.Output;

/// <summary>What <c>status --join</c> shows.</summary>
internal static class ClusterStatusView
{
    private const int Longest = 160;

    /// <summary>Writes workers and tasks.</summary>
    public static void Write(IAnsiConsole console, ClusterView view)
    {
        Table workers = new Table().Border(TableBorder.Simple).AddColumns("worker", "device", "since", "tokens/s", "done", "failed", "refused", "state");
        foreach (WorkerStatus worker in view.Status.Workers)
        {
            workers.AddRow(
                Cell(worker.Worker), Cell(worker.Device), Cell(Since(worker.Since, view.Clock)), Cell(worker.TokensPerSecond > 0 ? Number(worker.TokensPerSecond) : ""), Cell(Number(worker.Completed)), Cell(Number(worker.Failed)),
                Cell(Number(worker.Refused)), Cell((worker.IsSlow ? "slow; " : "") + worker.State));
        }

        Table tasks = new Table().Border(TableBorder.Simple).AddColumns("task", "run", "since", "leases", "waits on");
        foreach (TaskStatusLine task in view.Status.Tasks)
        {
            tasks.AddRow(
                Cell($"{task.Kind} {(task.What.Length > 0 ? task.What : task.Key.Length > 8 ? task.Key[..8] : task.Key)}"), Cell(task.Run), Cell(Since(task.Since, view.Clock)), Cell(Number(task.Attempts)),
                Cell(task.LastFailure is { } failure ? $"{task.State} Failed before: {failure}" : task.State));
        }

        if (!view.Runs.IsEmpty)
        {
            Table runs = new Table().Border(TableBorder.Simple).AddColumns("run", "is", "since", "silo", "does");
            foreach (RunLine run in view.Runs)
            {
                runs.AddRow(Cell(run.Run), Cell(run.Life.ToString().ToLowerInvariant()), Cell(Since(run.Since, view.Clock)), Cell(run.Silo), Cell(run.Doing));
            }

            console.Write(runs);
        }

        console.Write(workers);
        console.Write(tasks);
        long left = view.TaskCount - view.Status.Tasks.Length;
        double speed = view.Status.Workers.Sum(worker => worker.TokensPerSecond);
        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{view.Status.Workers.Length} workers, {(speed > 0 ? $"{Number(speed)} tokens/s, " : "")}{view.TaskCount} tasks{(left > 0 ? $", {left} of them not shown" : "")}, {view.Clock:u}"));
    }

    /// <summary>What a worker says of itself is no markup, and no control characters.</summary>
    private static Text Cell(string text) => new(SafeText.OneLine(text, Longest));

    private static string Number(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static string Since(DateTimeOffset since, DateTimeOffset now) => now - since is var time && time < TimeSpan.FromMinutes(2)
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, time.TotalSeconds):0} s")
        : time < TimeSpan.FromHours(2) ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min") : string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0} h");
}
