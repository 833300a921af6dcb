using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Experiments;

/// <summary>
/// Trains every run of an experiment, row by row, each in a folder of its own and each an ordinary run. What a finished run has computed is
/// not computed again. Begun again after any interruption it goes on where it stopped, because every run does.
/// </summary>
/// <param name="folder">The experiment's folder; its runs are in <c>runs</c> below it.</param>
/// <param name="train">Trains one run into a folder, with what others have computed.</param>
public sealed class ExperimentRunner(string folder, Func<LoadedConfig, string, ITaskMemory, CancellationToken, Task<RunResults>> train)
{
    /// <summary>Trains all runs.</summary>
    /// <param name="experiment">The table.</param>
    /// <param name="finished">Is called with all results so far after each run.</param>
    /// <param name="cancellationToken">Ends the experiment after the current step.</param>
    /// <exception cref="DiPaCoException">A row's configuration differs from that of its run, or a run failed; the row is named.</exception>
    public async Task<ExperimentResults> RunAsync(Experiment experiment, Func<ExperimentResults, Task> finished, CancellationToken cancellationToken)
    {
        List<string> done = [];
        ExperimentResults results = new(experiment.Name, []);
        foreach (ExperimentRow row in experiment.Rows)
        {
            ImmutableArray<RowRun> runs = [];
            foreach (LoadedConfig run in row.Runs)
            {
                string runFolder = Path.Combine(folder, "runs", run.Config.Name);
                RunResults trained = await TrainAsync(row, run, runFolder, new SiblingRuns(done), cancellationToken);
                done.Add(runFolder);
                runs = runs.Add(RowRun.Of(run.Config.Seed, runFolder, trained));
                await finished(results with { Rows = results.Rows.Add(new RowResults(row.Name, runs)) });
            }

            results = results with { Rows = results.Rows.Add(new RowResults(row.Name, runs)) };
        }

        return results;
    }

    private async Task<RunResults> TrainAsync(ExperimentRow row, LoadedConfig run, string runFolder, SiblingRuns others, CancellationToken cancellationToken)
    {
        try
        {
            return await train(run, runFolder, others, cancellationToken);
        }
        catch (DiPaCoException exception)
        {
            throw new DiPaCoException($"Row '{row.Name}', seed {run.Config.Seed}: {exception.Message}", exception);
        }
    }
}
