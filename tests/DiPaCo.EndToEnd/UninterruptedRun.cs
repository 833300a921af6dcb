using DiPaCo.RunHost;
using Xunit;

namespace DiPaCo.EndToEnd;

/// <summary>The small run, with folds, trained once by a process that nobody disturbs.</summary>
public sealed class UninterruptedRun : IAsyncLifetime
{
    /// <summary>Folder of everything.</summary>
    public string Folder { get; } = SmallRun.CreateFolder();

    /// <summary>The configuration's file.</summary>
    public string Config => Path.Combine(Folder, "small.yaml");

    /// <summary>The run's folder.</summary>
    public string Run => Path.Combine(Folder, "reference");

    /// <summary>What the run's folder holds.</summary>
    public IReadOnlyList<string> Contents { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        SmallRun.Prepare(Folder);
        File.AppendAllText(Config, "outer: { fold_paths: 1 }\n");
        using TrainingProcess process = TrainingProcess.Start(Config, Run);
        string last = await process.EndAsync(CancellationToken.None);
        Assert.StartsWith("finished", last, StringComparison.Ordinal);
        Contents = RunContents.Of(Run);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
