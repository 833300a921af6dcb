using System.Collections.Immutable;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Tasks;
using Xunit;

namespace DiPaCo.Cluster.Tests.Guard;

/// <summary>Results that have not the form of their kind of task would look like a bug of the recipe.</summary>
public sealed class ResultFormTests
{
    private static readonly HeldOutSpec HeldOut = new([], Split.Test, PrefixTokens: 4, MaxDocuments: 10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<TaskSpec, string[], string, string?> Results()
    {
        PathInput model = new(new() { Vocabulary = 320, Blocks = 1, Width = 32, Heads = 2, KeyValueHeads = 2, HeadWidth = 16, FeedForward = 64 }, Core.Configuration.ComputeType.Fp32, []);
        ShardSpec shard = new(default, [], [], [new PathId(0), new PathId(1)], 0, 4, LossOnPrefix: false);
        EvaluateSpec evaluate = new(model, [], default, Split.Test, new SequenceInput(48, 8, true, 2, 16), 10);
        FeaturesSpec features = new(model, default, 4);
        DriftSpec drift = new(model.Shape, default, [new ModuleInput(ModuleId.Dense, [], default)]);
        return new()
        {
            { HeldOut, [], """{"documents":3,"lastRank":7}""", null },
            { HeldOut, ["losses"], """{"documents":3,"lastRank":7}""", "expected: none" },
            { HeldOut, [], """{"documents":3}""", "JSON" },
            { HeldOut, [], "null", "their last rank were expected" },
            { new ForkSpec(model.Shape, default, []), ["module"], "{}", null },
            { new ForkSpec(model.Shape, default, []), [], "{}", "expected: module" },
            { features, ["features"], """{"flops":1}""", null },
            { features, ["features"], """{"flops":"NaN"}""", "were expected" },
            { features, ["router"], """{"flops":1}""", "expected: features" },
            { shard, ["path0.0", "path0.1"], Shards((0, 2), (1, 0)), null },
            { shard, ["path0.0"], Shards((0, 2), (1, 0)), "expected: path0.0, path0.1" },
            { shard, [], Shards((0, int.MaxValue), (1, int.MaxValue)), "expected: path0.0" },
            { shard, [], Shards((0, -1), (1, 0)), "shards of 2 paths" },
            { shard, [], Shards((1, 0), (0, 0)), "shards of 2 paths" },
            { shard, [], """{"paths":null}""", "JSON" },
            { drift, [], """{"fromBase":[1],"distance":[0],"cosine":[1]}""", null },
            { drift, [], """{"fromBase":[1],"distance":[],"cosine":[1]}""", "distances of 1 modules" },
            { new LossDifferenceSpec(default, default), [], """{"documents":1,"mean":0.5,"standardError":null}""", null },
            { new LossDifferenceSpec(default, default), [], """{"documents":"many","mean":0.5,"standardError":null}""", "JSON" },
            { new RouterBoundsSpec(default, [], [], []), [], """{"random":null,"oracle":null,"agreements":0}""", "two finite sums" },
            { evaluate, [], Scored("30"), null },
            { evaluate, [], Scored("\"NaN\""), "finite sums of losses were expected" },
            { evaluate, [], Scored("8000"), "finite sums of losses were expected" },
            { new RouterBoundsSpec(default, [], [], []), [], $"{{\"random\":{Scored("30")},\"oracle\":{Scored("30")},\"agreements\":0}}", null },
            { new RouterBoundsSpec(default, [], [], []), [], $"{{\"random\":{Scored("30")},\"oracle\":{Scored("8000")},\"agreements\":0}}", "two finite sums" },
            { new LossDifferenceSpec(default, default), [], new string('[', 100_000), "JSON" },
        };
    }

    [Theory]
    [MemberData(nameof(Results), DisableDiscoveryEnumeration = true)]
    public void OutputsAndMetrics_AreThoseOfTheKind(TaskSpec spec, string[] outputs, string metrics, string? expected)
    {
        string? objection = ResultForm.ObjectionTo(spec, outputs, metrics);

        if (expected is null)
        {
            Assert.Null(objection);
            return;
        }

        Assert.Contains(expected, objection, StringComparison.Ordinal);
        Assert.InRange(objection!.Length, 1, 1000);
    }

    [Fact]
    public async Task AResultOfAnotherForm_MarksItsWorker_AndAnotherMakesTheTask()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        await silo.Link.RegisterAsync(LabSilo.Offer("bad"), Cancellation);
        Task<TaskResult> wanted = silo.Executor().ExecuteAsync(HeldOut, silo.Lab.Store, null, Cancellation);
        TaskResult honest = new(ImmutableSortedDictionary<string, BlobHash>.Empty, """{"documents":3,"lastRank":7}""");

        LeasedTask leased = await silo.LeaseAsync("bad", 1, Cancellation);
        DeliveryOutcome refused = await silo.DeliverAsync("bad", leased, honest with { Metrics = "{}" }, Cancellation);

        Assert.Equal(CompletionVerdict.Refused, refused.Verdict);
        Assert.Equal(1, (await silo.StatusOfAsync("bad")).Refused);
        await silo.Link.RegisterAsync(LabSilo.Offer("good"), Cancellation);
        await silo.DeliverAsync("good", await silo.LeaseAsync("good", 1, Cancellation), honest, Cancellation);
        Assert.Equal(honest.Metrics, (await wanted).Metrics);
    }

    [Fact]
    public async Task AnOutputThatIsNotInTheStore_IsSaid()
    {
        await using LabSilo silo = await LabSilo.StartAsync(Cancellation);
        ForkSpec fork = new(silo.Spec.Model.Shape, BlobHash.Of([1]), []);

        GuardFinding finding = await new ResultGuard(silo.Lab.Store).LookAsync(
            fork, ImmutableSortedDictionary<string, BlobHash>.Empty.Add(OuterSpec.ModuleOutput, BlobHash.Of([2])), "{}", Cancellation);

        Assert.Contains("not in the store", finding.Unreadable, StringComparison.Ordinal);
    }

    private static string Scored(string loss) => $$"""{"documents":1,"tokens":10,"loss":{{loss}},"prefixTokens":0,"prefixLoss":0,"bytes":40}""";

    private static string Shards(params (int Path, int Chunks)[] paths) => System.Text.Encoding.UTF8.GetString(TaskJson.SerializeToUtf8Bytes(
        new ShardMetrics([.. paths.Select(path => new ShardSize(new PathId(path.Path), path.Chunks, 1, 1, 1, 1, []))])));
}
