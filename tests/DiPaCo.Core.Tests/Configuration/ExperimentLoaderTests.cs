using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests.Configuration;

public sealed class ExperimentLoaderTests
{
    private const string Table =
        """
        name: table
        seeds: [1, 2]
        base:
          size: tiny
          data: { paths: [text], test_share: 0.1 }
          recipe: { base_steps: 10, phases: 3 }
        rows:
          - name: plain
          - name: longer
            with:
              recipe: { phases: 5 }
              outer: { momentum: 0.5 }
          - name: once
            seeds: [7]
            with: { topology: { levels: [{ experts: 1 }] } }

        """;

    [Fact]
    public void EveryRow_IsTheBaseWithItsChanges_OncePerSeed()
    {
        Experiment table = Parse(Table);

        Assert.Equal("table", table.Name);
        Assert.Equal(["plain", "longer", "once"], table.Rows.Select(row => row.Name));
        Assert.Equal(
            ["plain-seed1", "plain-seed2", "longer-seed1", "longer-seed2", "once-seed7"],
            table.Rows.SelectMany(row => row.Runs).Select(run => run.Config.Name));
        Assert.Equal([1L, 2, 1, 2, 7], table.Rows.SelectMany(row => row.Runs).Select(run => run.Config.Seed));
        RunConfig longer = table.Rows[1].Runs[0].Config;
        Assert.Equal((10, 5, 0.5, 0.1), (longer.Recipe.BaseSteps, longer.Recipe.Phases, longer.Outer.Momentum, longer.Data.TestShare));
        Assert.Equal((3, 0.9), (table.Rows[0].Runs[0].Config.Recipe.Phases, table.Rows[0].Runs[0].Config.Outer.Momentum));
        Assert.Equal(["text"], table.Rows[2].Runs[0].Config.Data.Paths);
        Assert.Single(table.Rows[2].Runs[0].Config.Topology.Levels);
    }

    [Fact]
    public void ARun_IsWhatItsOwnFileWouldSay()
    {
        RunConfig row = Parse(Table).Rows[1].Runs[1].Config;
        RunConfig file = RunConfigLoader.Parse(
            "name: longer-seed2\nseed: 2\nsize: tiny\ndata: { paths: [text], test_share: 0.1 }\nrecipe: { base_steps: 10, phases: 5 }\nouter: { momentum: 0.5 }", "f").Config;

        Assert.Equal(RunConfigJson.Serialize(file), RunConfigJson.Serialize(row));
    }

    [Fact]
    public void DataOfTheCommandLine_TakesThePlaceOfTheFiles()
    {
        Experiment table = ExperimentLoader.Parse(Table, Path.Combine(Path.GetTempPath(), "e.yaml"), [Path.Combine(Path.GetTempPath(), "corpus")]);

        Assert.All(table.Rows.SelectMany(row => row.Runs), run => Assert.Equal(["corpus"], run.Config.Data.Paths));
    }

    [Theory]
    [InlineData("rows: [{ name: a }]\nbse: {}\nbase: { data: { paths: [t] } }", "2:1: bse: unknown key (found a section of keys). Did you mean 'base'?")]
    [InlineData("base: { size: tiny, data: { paths: [t] } }", "1:1: rows: expected a list of 1 to 1,000 rows such as '- { name: dense, with: { … } }'.")]
    [InlineData("base: { data: { paths: [t] } }\nrows: [{ nme: a }]", "2:8: rows[0].name: found nothing, expected a name of at most 80 letters, digits, dots, dashes and underscores.|2:10: rows[0].nme: unknown key (found 'a'). Did you mean 'name'?")]
    [InlineData("base: { data: { paths: [t] } }\nrows:\n  - name: a\n    with: { recipe: { phases: 0 } }", "4:31: recipe.phases: found '0', expected a whole number from 1 to 1,000,000. (row 'a')")]
    [InlineData("base: { data: { paths: [t] }, outer: { momentu: 1 } }\nrows: [{ name: a }, { name: b }]", "1:40: outer.momentu: unknown key (found '1'). Did you mean 'momentum'? (row 'a')")]
    [InlineData("base: { data: { paths: [t] } }\nrows: [{ name: a }, { name: A }]", "2:21: rows[1].name: there is a row 'A' already; expected a name of its own.")]
    [InlineData("seeds: [1, 1]\nbase: { data: { paths: [t] } }\nrows: [{ name: a }]", "1:8: seeds: found a list of 2, expected a list of 1 to 100 whole numbers such as [1, 2], each once.")]
    [InlineData("base: { seed: 3, data: { paths: [t] } }\nrows: [{ name: a }]", "1:9: base.seed: give the experiment, or the row, 'seeds: [1, 2]' instead.")]
    [InlineData("base: { data: { paths: [t] } }\nrows: [{ name: ../up }]", "2:16: rows[0].name: found '../up', expected a name of at most 80 letters, digits, dots, dashes and underscores.")]
    [InlineData("base: 3\nrows: [{ name: a, with: { data: { paths: [t] } } }]", "1:7: base: found '3', expected the keys of a run's configuration, indented below it.")]
    public void Mistakes_AreNamedWithTheirLine(string yaml, string expected)
    {
        ConfigurationException refusal = Assert.Throws<ConfigurationException>(() => Parse(yaml));

        Assert.Equal(
            expected.Split('|').Order(StringComparer.Ordinal),
            refusal.Errors.Select(error => $"{error.Line}:{error.Column}: {error.Key}: {error.Problem}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void TheExamples_CanBeRead()
    {
        string[] files = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "examples", "experiments"), "*.yaml")];

        Assert.True(files.Length >= 3);
        Assert.All(files, file => Assert.True(ExperimentLoader.Load(file, []).Rows.Length > 2));
    }

    private static Experiment Parse(string yaml) => ExperimentLoader.Parse(yaml, "experiment.yaml", []);
}
