using System.Globalization;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Cluster;

/// <summary>The version that worker and silo must share: that of the program, without what a build adds, and that of the arithmetic.</summary>
public static class WorkerVersion
{
    /// <summary>In words.</summary>
    public static string Text { get; } = string.Create(
        CultureInfo.InvariantCulture, $"{typeof(WorkerVersion).Assembly.GetName().Version} arithmetic {TaskSpec.ArithmeticVersion}");
}
