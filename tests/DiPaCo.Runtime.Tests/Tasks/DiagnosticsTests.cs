using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Tests.Runs;
using DiPaCo.Runtime.Tests.Support;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>What a finished run says of its shards and modules.</summary>
public sealed class DiagnosticsTests(ReferenceRun reference) : IClassFixture<ReferenceRun>
{
    [Fact]
    public void Topics_NameTheSourcesOfEveryShard_AndWordsOfItsLanguage()
    {
        RunResults results = reference.Results;

        Assert.Equal(results.Shards.Select(shard => shard.Path), results.Topics.Select(topics => topics.Path));
        foreach ((ShardSummary shard, ShardTopics topics) in results.Shards.Zip(results.Topics))
        {
            Assert.Equal(shard.Documents, topics.Sources.Sum(source => source.Documents));
            Assert.Equal(shard.Sources, topics.Sources.Take(shard.Sources.Length));
        }

        // Each made-up language has letters of its own: the words of a pure shard have no letter of another's.
        ShardTopics pure = results.Topics.First(topics => topics.Sources[0].Documents > 0.9 * topics.Sources.Sum(source => source.Documents));
        int language = pure.Sources[0].Source[^1] - '0';
        string letters = new[] { "abcdef", "ghijkl", "mnopqr", "stuvwx" }[language];
        Assert.NotEmpty(pure.Topics);
        Assert.All(pure.Topics.Take(3), topic => Assert.All(topic.Token.Trim(), letter => Assert.Contains(letter, letters)));
        Assert.Equal(pure.Topics.Select(topic => topic.Score).OrderDescending(), pure.Topics.Select(topic => topic.Score));
    }

    [Fact]
    public async Task Drift_IsTheDistanceOfModulesFromTheBaseAndFromEachOther()
    {
        RunView view = reference.View;
        LevelDrift drift = reference.Results.Drift.Single(group => group.Modules.Contains(new ModuleId("level1.expert0")));
        ModuleDefinition[] modules = [.. drift.Modules.Select(id => view.Topology.Modules.Single(module => module.Id == id))];
        using Workbench bench = new(view);
        double[] origin = Read(await bench.Store.GetFileAsync(await bench.ForkAsync(view.Model!.Base.Parameters, modules[0]), CancellationToken.None), modules[0]);
        double[][] ends = [.. modules.Select(module => Read(view.FileOf(view.Model.Modules[module.Id.Name]), module))];

        double norm = Norm(origin);
        for (int i = 0; i < modules.Length; i++)
        {
            double[] moved = Minus(ends[i], origin);
            Assert.Equal(Norm(moved) / norm, drift.FromBase[i], 1e-5);
            for (int j = 0; j < modules.Length; j++)
            {
                double[] other = Minus(ends[j], origin);
                Assert.Equal(Norm(Minus(ends[i], ends[j])) / norm, drift.Distance[(i * modules.Length) + j], 1e-5);
                Assert.Equal(moved.Zip(other, (a, b) => a * b).Sum() / (Norm(moved) * Norm(other)), drift.Cosine[(i * modules.Length) + j], 1e-4);
            }
        }

        Assert.True(drift.FromBase.Min() > 1e-3);
    }

    private static double[] Read(string file, ModuleDefinition module)
    {
        float[] values = new float[module.Layout.Length];
        ModuleFile.Read(file, module.Layout, values);
        return [.. values.Select(value => (double)value)];
    }

    private static double[] Minus(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x - y)];

    private static double Norm(double[] values) => Math.Sqrt(values.Sum(value => value * value));
}
