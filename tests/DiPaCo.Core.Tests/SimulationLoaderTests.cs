using DiPaCo.Core.Configuration;
using Xunit;

namespace DiPaCo.Core.Tests;

public sealed class SimulationLoaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dipaco-simulation-").FullName;

    public SimulationLoaderTests() => File.WriteAllText(Path.Combine(_folder, "run.yaml"), "name: mine\nsize: tiny\ndata: { paths: text }\n");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void WhatTheFileDoesNotSayIsFilledIn()
    {
        Simulation simulation = Parse("run: run.yaml\nworkers: [4, 16]\nphases: 1000\nworker: { upload_megabits: 10 }\n");
        Assert.Equal(("fleets", "mine"), (simulation.Name, simulation.Run.Config.Name));
        Assert.Equal([4, 16], simulation.Workers);
        Assert.Equal((10.0, 100.0), (simulation.Worker.UploadMegabits, simulation.Worker.DownloadMegabits));
        Assert.Equal(simulation.Run.Config.Recipe.Phases, simulation.Phases);
        Assert.True(simulation.CorpusTokens > 0);
    }

    [Theory]
    [InlineData("workers: [4]", "run", "missing")]
    [InlineData("run: run.yaml", "workers", "missing")]
    [InlineData("run: run.yaml\nworkers: [4, 2]", "workers", "ascending")]
    [InlineData("run: run.yaml\nworkers: [0]", "workers", "from 1")]
    [InlineData("run: run.yaml\nworkers: [4]\nworker: { uplod_megabits: 3 }", "worker.uplod_megabits", "Did you mean 'upload_megabits'?")]
    [InlineData("run: run.yaml\nworkers: [4]\nworker: { hours_a_day: 25 }", "worker.hours_a_day", "found '25'")]
    [InlineData("run: run.yaml\nworkers: [4]\nworker: { flops_per_second: .nan }", "worker.flops_per_second", "expected a number")]
    [InlineData("run: run.yaml\nworkers: [4]\nsilo: { megabits: 0 }", "silo.megabits", "above 0")]
    [InlineData("run: run.yaml\nworkers: [4]\nphases: two", "phases", "found 'two'")]
    public void AWrongFileIsRefusedWithTheKeyAndWhatWasExpected(string text, string key, string expected)
    {
        ConfigurationException failure = Assert.Throws<ConfigurationException>(() => Parse(text));
        Assert.Contains(failure.Errors, error => error.Key == key && error.Problem.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void ARunThatIsNotThereIsNamed() =>
        Assert.Contains("nothing.yaml", Assert.Throws<ConfigurationException>(() => Parse("run: nothing.yaml\nworkers: [4]")).Message, StringComparison.Ordinal);

    private Simulation Parse(string text) => SimulationLoader.Parse(text, Path.Combine(_folder, "fleets.yaml"));
}
