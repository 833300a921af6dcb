using System.Text;
using System.Text.Json;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Experiments;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cli.Report;

/// <summary><c>experiment.md</c>, <c>experiment.json</c> and plots in an experiment's folder; each file is complete or not there.</summary>
internal static class ExperimentFolder
{
    /// <summary>Writes what is known so far.</summary>
    public static Task WriteAsync(string folder, ExperimentResults results, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        DurableFile.WriteAllBytes(
            Path.Combine(folder, "experiment.json"),
            JsonSerializer.SerializeToUtf8Bytes(new { results.Name, Table = ComparedModel.Of(results), results.Rows, results.Failed }, RunJson.Indented));
        DurableFile.WriteAllBytes(Path.Combine(folder, "experiment.md"), Encoding.UTF8.GetBytes(ExperimentMarkdown.Of(results)));
        foreach ((string name, byte[] png) in ExperimentPlots.Draw(results))
        {
            DurableFile.WriteAllBytes(Path.Combine(folder, "plots", name), png);
        }

        return Task.CompletedTask;
    }
}
