using System.Text.Json.Nodes;
using DiPaCo.Core.Configuration;
using DiPaCo.RunHost;
using DiPaCo.Runtime;
using DiPaCo.Serving.Grids;
using Xunit;

namespace DiPaCo.Serving.Tests.Http;

public sealed class LiveModelTests : IDisposable
{
    private readonly string _root = SmallRun.CreateFolder();

    private string Folder => Path.Combine(_root, "run");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task ARunInTrainingIsServedInItsNewestVersionAndNoRequestIsDropped()
    {
        LoadedConfig config = SmallRun.Prepare(Path.Combine(_root, "input"));
        await TrainUntilFirstModelAsync(config);
        string first = ServedGrid.Open(Folder).Description.ModelDigest;
        await using ServedRun served = await ServedRun.OfFolderAsync(Folder, options => options with { Refresh = TimeSpan.FromMilliseconds(20) });
        Task training = Task.Run(() => new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, Folder, new SilentObserver(), CancellationToken.None));
        HashSet<string> seen = [await AskAsync(served)];
        while (!training.IsCompleted)
        {
            seen.Add(await AskAsync(served));
        }

        await training;
        string last = ServedGrid.Open(Folder).Description.ModelDigest;
        Assert.NotEqual(first, last);
        Assert.Contains(first, seen);
        while (await AskAsync(served) != last)
        {
            // Every answer is a success until the newest version answers.
        }

        Assert.True(served.Host.Engine.Source.Updates > 0);
    }

    private static async Task<string> AskAsync(ServedRun served)
    {
        JsonNode answer = await served.PostAsync("/v1/completions", new { prompt = "The old mill", max_tokens = 5, n = 4 });
        return answer["dipaco"]!["model_digest"]!.GetValue<string>();
    }

    private async Task TrainUntilFirstModelAsync(LoadedConfig config)
    {
        using CancellationTokenSource stop = new();
        StopAtFirstModel observer = new(Path.Combine(Folder, "model.json"), stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new RunEngine(TimeProvider.System) { MeasuresMachine = false }.TrainAsync(config, Folder, observer, stop.Token));
    }

    private sealed class StopAtFirstModel(string model, CancellationTokenSource stop) : IRunObserver
    {
        public void Observe(RunEvent runEvent)
        {
            if (File.Exists(model))
            {
                stop.Cancel();
            }
        }
    }
}
