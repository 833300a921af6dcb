using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Experiments;

/// <summary>
/// Trains every run of an experiment, row by row, each in a folder of its own and each an ordinary run. What a finished run has computed is
/// not computed again. Begun again after any interruption it goes on where it stopped, because every run does, and tries again what failed.
/// </summary>
/// <param name="folder">The experiment's folder; its runs are in <c>runs</c> below it.</param>
/// <param name="train">Trains one run into a folder, with what others have computed.</param>
public sealed class ExperimentRunner(string folder, Func<LoadedConfig, string, ITaskMemory, CancellationToken, Task<RunResults>> train)
{
    /// <summary>Trains all runs. One that fails by what it is itself is noted, and the next ones are trained.</summary>
    /// <param name="experiment">The table.</param>
    /// <param name="ended">Is called with all results so far after each run, also after one that failed.</param>
    /// <param name="cancellationToken">Ends the experiment after the current step.</param>
    /// <exception cref="DiPaCoException">
    /// A row's configuration differs from that of its run, or something failed that is not the run's own (<see cref="FailedRun.IsOwn"/>); the row is named.
    /// </exception>
    public async Task<ExperimentResults> RunAsync(Experiment experiment, Func<ExperimentResults, Task> ended, CancellationToken cancellationToken)
    {
        List<string> done = [];
        ExperimentResults results = new(experiment.Name, []);
        foreach (ExperimentRow row in experiment.Rows)
        {
            ExperimentResults before = results;
            ImmutableArray<RowRun> runs = [];
            foreach (LoadedConfig run in row.Runs)
            {
                string runFolder = Path.Combine(folder, "runs", run.Config.Name);
                try
                {
                    RunResults trained = await train(run, runFolder, new SiblingRuns(done), cancellationToken);
                    done.Add(runFolder);
                    runs = runs.Add(RowRun.Of(run.Config.Seed, runFolder, trained));
                    results = results with { Rows = before.Rows.Add(new RowResults(row.Name, runs)) };
                }
                catch (DiPaCoException exception) when (FailedRun.IsOwn(exception))
                {
                    results = results with { Failed = results.Failed.Add(new FailedRun(row.Name, run.Config.Seed, runFolder, exception.Message)) };
                }
                catch (DiPaCoException exception)
                {
                    throw new DiPaCoException($"Row '{row.Name}', seed {run.Config.Seed}: {exception.Message}", exception);
                }

                await ended(results);
            }
        }

        return results;
    }
}
