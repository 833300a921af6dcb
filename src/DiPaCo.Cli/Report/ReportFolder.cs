using System.Text;
using DiPaCo.Runtime;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cli.Report;

/// <summary>Report and plots in a run's folder.</summary>
internal static class ReportFolder
{
    /// <summary>Makes <c>report.html</c> and <c>plots/</c>; each file is complete or not there.</summary>
    /// <returns>The path of the report.</returns>
    public static async Task<string> WriteAsync(string runFolder, RunResults results, CancellationToken cancellation)
    {
        RunPaths paths = new(runFolder);
        ReportData data = new(results, await MetricsReader.ReadAsync(paths.Metrics, cancellation));
        DurableFile.WriteAllBytes(paths.Report, Encoding.UTF8.GetBytes(HtmlReport.Build(data)));
        foreach ((string name, byte[] png) in ReportPlots.Draw(data))
        {
            cancellation.ThrowIfCancellationRequested();
            DurableFile.WriteAllBytes(Path.Combine(paths.Plots, name), png);
        }

        return paths.Report;
    }
}
