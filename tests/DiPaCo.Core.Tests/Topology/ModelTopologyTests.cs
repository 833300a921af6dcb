using System.Collections.Immutable;
using CsCheck;
using Xunit;

namespace DiPaCo.Core.Tests.Topology;

public sealed class ModelTopologyTests
{
    [Fact]
    public void EveryPartOfEveryPath_BelongsToExactlyOneModule() => Topologies.Any.Sample(options =>
    {
        ModelTopology topology = Topologies.Create(options);
        TransformerPart[] whole = [.. TransformerPart.All(topology.Shape.Blocks)];

        foreach (PathId path in topology.Paths)
        {
            IEnumerable<TransformerPart> parts = topology.ModulesOf(path).SelectMany(module => module.Layout.Parts);
            Assert.Equal(whole, parts.OrderBy(part => Array.IndexOf(whole, part)));
        }
    });

    [Fact]
    public void AModuleKnowsItsPaths_AndAPathItsModules() => Topologies.Any.Sample(options =>
    {
        ModelTopology topology = Topologies.Create(options);

        foreach (ModuleDefinition module in topology.Modules)
        {
            Assert.Equal(topology.Paths.Where(path => topology.ModulesOf(path).Contains(module)), module.Paths);
        }
    });

    [Fact]
    public void AnExpertOfAFullProduct_HasPOverKPaths_ASharedModuleAll_APrivateOneOne() => Topologies.Any.Sample(options =>
    {
        ModelTopology topology = Topologies.Create(options);
        int paths = topology.Paths.Length;

        Assert.Equal(options.Levels.Aggregate(options.Replicas, (product, level) => product * level.Experts), paths);
        foreach (ModuleDefinition module in topology.Modules)
        {
            Assert.Equal(ExpectedPaths(options, module.Id.Name, paths), module.Paths.Length);
        }
    });

    [Fact]
    public void AllPaths_HaveEquallyManyParameters_AndTheDenseModelToo() => Topologies.Any.Sample(options =>
    {
        ModelTopology topology = Topologies.Create(options);
        long dense = ModelTopology.Dense(topology.Shape).Parameters;

        Assert.All(topology.Paths, path => Assert.Equal(dense, topology.ModulesOf(path).Sum(module => module.Layout.Parameters)));
    });

    [Fact]
    public void ModulesOfAPath_AreInTheOrderOfTheStack()
    {
        ModelTopology topology = Topologies.Create(Topologies.Grid(2, 2) with
        {
            Levels = [new() { Blocks = 3, Experts = 2, PrivateBlocks = [0, 2] }, new() { Blocks = 1, Experts = 2 }],
        });

        Assert.Equal(
            ["level1.expert1", "level1.block0.path2", "level1.block2.path2", "level2.expert0"],
            topology.ModulesOf(new PathId(2)).Select(module => module.Id.Name));
    }

    [Fact]
    public void AnExplicitList_HasOnlyItsPaths()
    {
        ModelTopology topology = Topologies.Create(Topologies.Grid(2, 2) with { Paths = [[1, 1], [0, 0]], Replicas = 2 });

        Assert.Equal([0, 1, 6, 7], topology.Paths.Select(path => path.Value));
        Assert.All(topology.Modules, module => Assert.Equal(2, module.Paths.Length));
    }

    [Fact]
    public void AnEmbeddingOfTheLevel_IsAPartOfTheFirstLevelsExperts_TheHeadOfTheLasts()
    {
        ModelTopology topology = Topologies.Create(Topologies.Grid(2, 2));

        Assert.Contains(TransformerPart.Embedding, topology.Modules.Single(module => module.Id.Name == "level1.expert0").Layout.Parts);
        Assert.Contains(TransformerPart.Head, topology.Modules.Single(module => module.Id.Name == "level2.expert1").Layout.Parts);
        Assert.Equal(["level1.expert0", "level1.expert1", "level2.expert0", "level2.expert1"], Topologies.Names(topology));
    }

    [Fact]
    public void LevelsThatDoNotFitTheTransformer_AreRefused() =>
        Assert.Throws<ArgumentException>(() => ModelTopology.Create(Topologies.Grid(2), Topologies.Shape(3)));

    private static int ExpectedPaths(TopologyOptions options, string module, int paths)
    {
        if (module.Contains(".path", StringComparison.Ordinal))
        {
            return 1;
        }

        ImmutableArray<string> name = [.. module.Split('.')];
        return name is [_, ['e', 'x', 'p', ..]]
            ? paths / options.Levels[int.Parse(name[0]["level".Length..], System.Globalization.CultureInfo.InvariantCulture) - 1].Experts
            : paths;
    }
}
