using System.Globalization;
using DiPaCo.Runtime.Tests.Rules.Simulation;
using Xunit;

namespace DiPaCo.Runtime.Tests.Rules;

/// <summary>
/// The rules under a seeded scheduler that delays, drops, repeats and reorders messages and kills any party between any two steps.
/// <c>DIPACO_SIM_SEEDS=1000000</c> tries more seeds, <c>DIPACO_SIM_SEED=n</c> shows what happens in one.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int SeedsInCi = 10_000;

    public static TheoryData<string> Broken => [.. BrokenRules.All.Keys];

    [Fact]
    public void WhateverGoesWrong_TheRunEndsWithTheUndisturbedRunsBytes()
    {
        if (Number("DIPACO_SIM_SEED") is { } one)
        {
            ShowSeed(one);
            return;
        }

        Lock guard = new();
        Sightings seen = new();
        long events = 0;
        Parallel.For(0, Number("DIPACO_SIM_SEEDS") ?? SeedsInCi, seed =>
        {
            World world = new(seed, new SimulatedRules());
            Play(world, seed);
            lock (guard)
            {
                seen.Add(world.Seen);
                events += world.Events;
            }
        });
        output.WriteLine(FormattableString.Invariant($"{events:N0} events. {seen}"));
        Assert.Empty(seen.Missing());
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void ABrokenRule_IsFoundWithinTheSeedsOfCi(string name)
    {
        SimulatedRules rules = BrokenRules.All[name];
        for (int seed = 0; seed < SeedsInCi; seed++)
        {
            try
            {
                new World(seed, rules).Play();
            }
            catch (SimulationException exception)
            {
                output.WriteLine(FormattableString.Invariant($"Seed {seed}: {exception.Message}"));
                return;
            }
        }

        Assert.Fail($"{SeedsInCi} seeds do not show that {name}.");
    }

    [Fact]
    public void OneSeed_IsTheSameStoryEachTime()
    {
        List<string> first = [], second = [];
        new World(7, new SimulatedRules(), first).Play();
        new World(7, new SimulatedRules(), second).Play();

        Assert.Equal(first, second);
        Assert.True(first.Count > 100);
    }

    private static void Play(World world, long seed)
    {
        try
        {
            world.Play();
        }
        catch (Exception exception)
        {
            throw new SimulationException(FormattableString.Invariant(
                $"Seed {seed}: {exception.Message} DIPACO_SIM_SEED={seed} dotnet run --project tests/DiPaCo.Runtime.Tests -- -method \"*{nameof(WhateverGoesWrong_TheRunEndsWithTheUndisturbedRunsBytes)}\" shows how it comes to that."), exception);
        }
    }

    private void ShowSeed(long seed)
    {
        List<string> trace = [];
        World world = new(seed, new SimulatedRules(), trace);
        try
        {
            Play(world, seed);
        }
        finally
        {
            string file = Path.Combine(Path.GetTempPath(), FormattableString.Invariant($"dipaco-simulation-{seed}.txt"));
            File.WriteAllLines(file, trace);
            output.WriteLine($"{trace.Count} lines in {file}. {world.Seen}");
            trace.TakeLast(200).ToList().ForEach(output.WriteLine);
        }
    }

    private static long? Number(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;
}
