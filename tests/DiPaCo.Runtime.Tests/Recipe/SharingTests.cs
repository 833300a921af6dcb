using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Runs;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>Who reads and writes which module.</summary>
public sealed class SharingTests(ReferenceRun reference) : IDisposable
{
    private readonly TestRuns _runs = new();

    public void Dispose() => _runs.Dispose();

    [Fact]
    public void PathsTask_ReadsItsOwnModulesAndShard_AndWritesItsOwnModulesOnly()
    {
        RunView run = reference.View;
        JournalEntry[] tasks = PathTasks(run);

        Assert.Equal(run.Topology.Paths.Length * run.Config.Recipe.Phases, tasks.Length);
        for (int i = 0; i < tasks.Length; i++)
        {
            PathId path = run.Topology.Paths[i % run.Topology.Paths.Length];
            string[] own = [.. run.Topology.ModulesOf(path).Select(module => module.Id.Name)];
            Assert.Equal([.. own.Append(TrainSpec.OptimizerOutput).Order(StringComparer.Ordinal)], tasks[i].Outputs.Keys.Order(StringComparer.Ordinal));

            PathId[] others = [.. run.Topology.Paths.Where(other => other != path)];
            Assert.All(run.ShardOf(path), chunk => Assert.Contains(chunk, tasks[i].Inputs));
            Assert.All(others.SelectMany(other => run.ShardOf(other)), chunk => Assert.DoesNotContain(chunk, tasks[i].Inputs));
        }
    }

    [Fact]
    public async Task AfterAnOuterStep_EveryPathGoesOnFromTheSameSharedModules()
    {
        await _runs.TrainUntilAsync("run", (_, runEvent) => runEvent is PhaseFinished);
        RunView first = new(_runs.File("run"));
        RunView run = reference.View;
        JournalEntry[] second = PathTasks(run)[run.Topology.Paths.Length..];

        foreach (PathId path in run.Topology.Paths)
        {
            BlobHash[] expected = [.. run.Topology.ModulesOf(path).Select(module => first.Model!.Modules[module.Id.Name])];
            Assert.Equal(expected, second[path.Value].Inputs.Take(expected.Length));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PrivateModules_HaveAnOuterStep_IfTheSwitchIsOn(bool privateModules)
    {
        RunConfig config = _runs.Config with { Outer = _runs.Config.Outer with { PrivateModules = privateModules } };
        RunView run = reference.View;
        if (!privateModules)
        {
            await _runs.TrainAsync("run", config);
            run = new RunView(_runs.File("run"));
        }

        ModuleDefinition[] own = [.. run.Topology.Modules.Where(module => module.Paths.Length == 1)];
        int stepping = privateModules ? run.Topology.Modules.Length : run.Topology.Modules.Length - own.Length;
        JournalEntry[] last = PathTasks(run)[^run.Topology.Paths.Length..];

        Assert.Equal(4, own.Length);
        Assert.Equal(stepping * run.Config.Recipe.Phases, run.Entries.Count(entry => entry.Kind == "outer"));
        Assert.All(own, module => Assert.Equal(
            !privateModules, last[module.Paths[0].Value].Outputs[module.Id.Name] == run.Model!.Modules[module.Id.Name]));
    }

    [Fact]
    public void Shards_PartitionTheDocuments_AndFollowTheLanguages()
    {
        RunResults results = reference.Results;

        Assert.Equal(results.Corpus.Documents, reference.View.Shards.Sum(shard => shard.TrainDocuments + shard.ValidationDocuments + shard.TestDocuments)
            + results.Corpus.RouterDocuments);
        Assert.All(results.Shards, shard => Assert.True(shard.Documents > 0));

        // A base model of four steps already tells languages with no letter in common apart; by chance it would be a quarter.
        long together = results.Shards.Sum(shard => shard.Sources[0].Documents);
        Assert.True(together > 0.7 * results.Corpus.TrainDocuments, $"Only {together} of {results.Corpus.TrainDocuments} documents are in their language's shard.");
    }

    /// <summary>The training tasks of paths, phase by phase, in order of paths: unlike a dense model's they have several modules.</summary>
    private static JournalEntry[] PathTasks(RunView run) => [.. run.Entries.Where(entry => entry.Kind == "train" && entry.Outputs.Count > 2)];
}
