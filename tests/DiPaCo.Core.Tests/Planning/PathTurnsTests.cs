using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core.Configuration;
using DiPaCo.Core.Planning;
using Xunit;

namespace DiPaCo.Core.Tests.Planning;

public sealed class PathTurnsTests
{
    [Fact]
    public void InEveryCycle_EachPathHasOneTurn_WhateverTheNumbers() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[1, 45], Gen.Long[0, 1000]).Sample((paths, perPhase, seed) =>
        {
            PathTurns turns = Turns(paths, perPhase, seed);
            for (int cycle = 0; cycle < 3; cycle++)
            {
                ImmutableArray<PathId>[] phases = [.. Enumerable.Range(cycle * turns.Cycle, turns.Cycle).Select(t => turns[new Phase(t)])];
                Assert.Equal(Enumerable.Range(0, paths), phases.SelectMany(phase => phase).Select(path => path.Value).Order());
                Assert.All(phases, phase => Assert.Equal(phase.Order(), phase));
                Assert.Equal(
                    phases.Select(phase => phase.Length),
                    Enumerable.Range(cycle * turns.Cycle, turns.Cycle).Select(t => turns.Count(new Phase(t))));
                Assert.All(phases, phase => Assert.InRange(phase.Length, 1, perPhase));
            }
        });

    [Fact]
    public void Zero_IsAllPathsInEveryPhase() => Assert.Equal(Enumerable.Range(0, 5), Turns(5, 0, 1)[new Phase(7)].Select(path => path.Value));

    [Fact]
    public void EveryCycle_HasItsOwnOrder()
    {
        PathTurns turns = Turns(24, 4, 1);

        Assert.NotEqual(Cycle(0), Cycle(1));
        Assert.Equal<string>(Cycle(1), [.. Enumerable.Range(6, 6).Select(t => string.Join(' ', Turns(24, 4, 1)[new Phase(t)]))]);
        Assert.NotEqual(Cycle(0), [.. Enumerable.Range(0, 6).Select(t => string.Join(' ', Turns(24, 4, 2)[new Phase(t)]))]);

        string[] Cycle(int cycle) => [.. Enumerable.Range(6 * cycle, 6).Select(t => string.Join(' ', turns[new Phase(t)]))];
    }

    [Fact]
    public void StepsOfASampledRun_AreThoseOfItsTurns()
    {
        RunConfig config = RunConfigLoader.Parse(
            "name: t\nsize: tiny\ndata: { paths: [text] }\ntopology: { replicas: 5, levels: [{ experts: 1 }] }\nrecipe: { phases: 5, inner_steps: 10, paths_per_phase: 2 }", "test").Config;

        // Turns of 2, 2, 1, 2, 2 paths.
        Assert.Equal((90L, 18L), (StepCounts.Of(config, 5).Paths, StepCounts.Of(config, 5).Path));
    }

    private static PathTurns Turns(int paths, int perPhase, long seed)
    {
        RunConfig config = RunConfigLoader.Parse("name: t\nsize: tiny\ndata: { paths: [text] }", "test").Config;
        return PathTurns.Of(
            config with { Seed = seed, Recipe = config.Recipe with { PathsPerPhase = perPhase } },
            [.. Enumerable.Range(0, paths).Select(path => new PathId(path))]);
    }
}
