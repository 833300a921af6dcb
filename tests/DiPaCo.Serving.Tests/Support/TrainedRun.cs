using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Serving.Grids;
using DiPaCo.Serving.Tests.Support;
using Xunit;

[assembly: AssemblyFixture(typeof(TrainedRun))]

namespace DiPaCo.Serving.Tests.Support;

/// <summary>A small run, trained to its end once for all tests of this assembly; nobody changes it.</summary>
public sealed class TrainedRun : IAsyncLifetime
{
    private readonly string _root = SmallRun.CreateFolder();

    /// <summary>The run's folder.</summary>
    public string Folder => Path.Combine(_root, "run");

    /// <summary>The model in it.</summary>
    public ServedGrid Grid { get; private set; } = null!;

    /// <summary>A name for a file or folder of a test, which goes with the run.</summary>
    public string NewPath() => Path.Combine(_root, Path.GetRandomFileName());

    /// <summary>A copy of the run's folder, which a test may change.</summary>
    public string Copy()
    {
        string folder = NewPath();
        foreach (string file in Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(folder, Path.GetRelativePath(Folder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return folder;
    }

    public async ValueTask InitializeAsync()
    {
        LoadedConfig config = SmallRun.Prepare(Path.Combine(_root, "input"));
        await new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, Folder, new SilentObserver(), CancellationToken.None);
        Grid = ServedGrid.Open(Folder);
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_root, recursive: true);
        return ValueTask.CompletedTask;
    }
}
