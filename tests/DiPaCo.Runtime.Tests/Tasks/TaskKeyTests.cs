using System.Collections;
using System.Collections.Immutable;
using System.Reflection;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

/// <summary>A task's key names everything that its outputs depend on.</summary>
public sealed class TaskKeyTests
{
    private static readonly TransformerShape Shape = new()
    {
        Vocabulary = 320, Blocks = 2, Width = 32, Heads = 2, KeyValueHeads = 2, HeadWidth = 16, FeedForward = 64,
    };

    /// <summary>One specification of every kind, nothing in it empty.</summary>
    public static TheoryData<string> Kinds => [.. All().Select(spec => spec.Kind)];

    [Fact]
    public void EveryKindOfTask_IsTestedHere() => Assert.Equal(
        typeof(TaskSpec).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(TaskSpec))).Select(type => type.Name).Order(StringComparer.Ordinal),
        All().Select(spec => spec.GetType().Name).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EqualSpecifications_HaveEqualKeys(string kind) => Assert.Equal(Of(kind).Key(), Of(kind).Key());

    [Theory]
    [MemberData(nameof(Kinds))]
    public void AnyChangedProperty_ChangesTheKey(string kind)
    {
        TaskSpec spec = Of(kind);
        Dictionary<string, string> keys = new() { [spec.Key().Hex] = "(nothing)" };
        foreach ((string what, object changed) in Variations(spec))
        {
            string key = ((TaskSpec)changed).Key().Hex;
            Assert.False(keys.TryGetValue(key, out string? other), $"Changing {what} gives the same key as changing {other}.");
            keys[key] = what;
        }

        Assert.True(keys.Count > 1);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EveryBlobOfASpecification_IsAnInput(string kind)
    {
        // The user's tokenizer is named by its hash, but is no blob of the run before the task.
        TaskSpec spec = Of(kind) is TokenizerSpec tokenizer ? tokenizer with { File = null } : Of(kind);
        if (spec is ImportSpec or ChatTemplateSpec)
        {
            // The user's files are named by their hashes.
            Assert.Empty(spec.Inputs);
            return;
        }

        Assert.Equal(Blobs(spec).Distinct().Order(), spec.Inputs.Distinct().Order());
    }

    [Fact]
    public void WhatAnInputCanBeBuiltFrom_IsPartOfTheKey_AndNoInput()
    {
        TrainSpec spec = (TrainSpec)Of("train");
        TrainSpec buildable = spec with { Model = spec.Model with { Modules = [spec.Model.Modules[0] with { Delta = new VersionDelta(Blob(98), Blob(99)) }] } };

        Assert.Equal(spec.Inputs, buildable.Inputs);
        Assert.Empty(spec.Buildable);
        Assert.Equal((Blob(1), Blob(98), Blob(99)), Assert.Single(buildable.Buildable) is var module ? (module.Blob, module.Delta.Base, module.Delta.Blob) : default);
        Assert.NotEqual(spec.Key(), buildable.Key());
        Assert.NotEqual(
            buildable.Key(),
            (buildable with { Model = spec.Model with { Modules = [spec.Model.Modules[0] with { Delta = new VersionDelta(Blob(97), Blob(99)) }] } }).Key());
        Assert.Equal(TaskSpecJson.Write(buildable), TaskSpecJson.Write(TaskSpecJson.Read("train", TaskSpecJson.Write(buildable), buildable.Key())));
    }

    // Keys are stored in journals: a key that changes makes every run begin anew. If this fails, the change of the
    // specification or of its JSON must be undone, or made with a new property that old specifications do not show.
    [Theory]
    [InlineData("train", "33acedd597ec577493358516fda418fffc9c126bfd3c7dd8bd10d6740f29ab20")]
    [InlineData("fold", "564f4b226ba93a6289de841a45e8e2cbbcae7c6067951321c840bab581093ff5")]
    [InlineData("outer", "7701339292f979c009fe65b08081e6ca4208e825c6003af4801a67bc5827b0e4")]
    [InlineData("evaluate", "f4546aa4d1889ad180ea4a94a4547edcca42fab854a9dbbfc7dec5d1331b7d7d")]
    [InlineData("router", "b585339e489c1ffa0752d75ca0b91186a89304e03f63caf83f357012f2277670")]
    public void KeysOfStoredRuns_NeverChange(string kind, string expected)
    {
        string key = Of(kind).Key().Hex;
        Assert.True(key == expected, $"The key of '{kind}' is now {key}.");
    }

    [Fact]
    public void AnOuterStepThatGoesOnFromSums_ReadsThem_AndHasAKeyOfItsOwnThatNeverChangesEither()
    {
        OuterSpec spec = (OuterSpec)Of("outer") with { Folded = new FoldedSums(Blob(7), [0.5]) };

        Assert.Equal(Blobs(spec).Distinct().Order(), spec.Inputs.Distinct().Order());
        Assert.Equal(TaskSpecJson.Write(spec), TaskSpecJson.Write(TaskSpecJson.Read("outer", TaskSpecJson.Write(spec), spec.Key())));
        Assert.True(spec.Key().Hex == "27f5d677273327bfe0bba2bbc81946becbdae927e36caa9f6ec924aba60bb9ed", $"The key is now {spec.Key().Hex}.");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ASpecification_ComesBackFromItsText(string kind)
    {
        TaskSpec spec = Of(kind);
        if (spec is CorpusSpec or TokenizerSpec or TokenizeSpec or ImportSpec or ChatTemplateSpec)
        {
            // Computed where the user's text is, never sent.
            Assert.DoesNotContain(kind, TaskSpecJson.Kinds);
            return;
        }

        byte[] json = TaskSpecJson.Write(spec);

        Assert.Equal(json, TaskSpecJson.Write(TaskSpecJson.Read(kind, json, spec.Key())));
    }

    [Fact]
    public void TheTextOfAnotherTask_IsRefused()
    {
        TaskSpec spec = Of("train");
        TaskKey other = Of("outer").Key();

        Assert.Contains(spec.Key().Hex, Assert.Throws<DiPaCoException>(() => TaskSpecJson.Read("train", TaskSpecJson.Write(spec), other)).Message, StringComparison.Ordinal);
        Assert.Throws<DiPaCoException>(() => TaskSpecJson.Read("outer", TaskSpecJson.Write(spec), other));
        Assert.Throws<DiPaCoException>(() => TaskSpecJson.Read("System.IO.File", TaskSpecJson.Write(spec), other));
        Assert.Throws<DiPaCoException>(() => TaskSpecJson.Read("train", "null"u8, spec.Key()));
    }

    private static TaskSpec Of(string kind) => All().Single(spec => spec.Kind == kind);

    private static IEnumerable<TaskSpec> All()
    {
        ImmutableArray<TransformerPart> parts = [.. TransformerPart.All(2)];
        ModuleInput module = new(new ModuleId("dense"), parts, Blob(1));
        PathInput path = new(Shape, ComputeType.Bf16, [module]);
        SequenceInput sequences = new(48, 8, true, 2, 16);
        yield return new CorpusSpec(new DataOptions { Paths = ["text"] });
        yield return new TokenizerSpec(Blob(2), new TokenizerOptions { File = "tokenizer.json" }, Blob(3));
        yield return new TokenizeSpec(Blob(2), Blob(3));
        yield return new InitializeSpec(Shape, 1);
        yield return new ImportSpec(Shape, Blob(4));
        yield return new ChatTemplateSpec(Blob(5));
        yield return new ForkSpec(Shape, Blob(2), parts);
        yield return new TrainSpec
        {
            Model = path,
            Optimizer = Blob(2),
            Shard = [Blob(3), Blob(4)],
            Sequences = sequences,
            BatchSequences = 4,
            FirstStep = 2,
            ScheduleStep = 1,
            Steps = 2,
            Schedule = new LearningRateSchedule(0.01, 1, 4, 0.1),
            AdamW = new AdamWOptions(0.9, 0.95, 1e-8, 0.1, 1),
            Codec = new ContributionCodec(DeltaCodec.TopK, 0.05, 1, [new ModuleId("dense")]),
            Seed = 1,
            Order = 3,
        };
        yield return new SynchronousSpec
        {
            Shape = Shape,
            Compute = ComputeType.Bf16,
            Modules = [module],
            Paths = [new SynchronousPath(new PathId(0), [new ModuleId("dense")], [1.0], [Blob(3), Blob(4)])],
            Optimizer = Blob(2),
            Sequences = sequences,
            BatchSequences = 4,
            FirstStep = 2,
            ScheduleStep = 1,
            Steps = 2,
            Schedule = new LearningRateSchedule(0.01, 1, 4, 0.1),
            AdamW = new AdamWOptions(0.9, 0.95, 1e-8, 0.1, 1),
            Seed = 1,
        };
        yield return new OuterSpec(
            Shape, module, Blob(2), [new Contribution(new PathId(0), Blob(3), 0.25), new Contribution(new PathId(2), Blob(4), 0.75)],
            new OuterStepOptions(0.7, 0.9, 1));
        yield return new FoldSpec(Shape, module, [new Contribution(new PathId(2), Blob(3), 0.25)]) { Before = new FoldedSums(Blob(2), [0.5, 0.25]) };
        yield return new FeaturesSpec(path, Blob(2), 8);
        yield return new RouterSpec([Blob(2)], [Blob(3)], [new PathId(0), new PathId(1)], [2, 1], 1, new RoutingOptions { CapacityFactor = 2 }, 1);
        yield return new DiscriminativeSpec([Blob(5), Blob(6)], [Blob(2)], [Blob(3)], [new PathId(0), new PathId(1)], 8, 0.001);
        yield return new CandidateSpec([new PathColumn(new PathId(0), path)], [Blob(2)], [Blob(3)], Blob(5), 4, Split.Router, 10, sequences);
        yield return new ShardSpec(Blob(2), [Blob(3)], [Blob(4)], [new PathId(0), new PathId(1)], 0.1, 32, true) { CapacityFactor = 2 };
        yield return new LossDifferenceSpec(Blob(2), Blob(3));
        yield return new EvaluateSpec(path, [Blob(2)], Blob(3), Split.Test, sequences, 10);
        yield return new TopicsSpec([new ShardInput(new PathId(0), [Blob(2)]), new ShardInput(new PathId(1), [Blob(3), Blob(4)])], Blob(5), 8);
        yield return new DriftSpec(Shape, Blob(2), [module, module with { Id = new ModuleId("other"), Blob = Blob(3) }]);
        yield return new HeldOutSpec([Blob(2), Blob(3)], Split.Test, 8, 10);
        yield return new ScoreSpec(
            [new PathColumn(new PathId(0), path), new PathColumn(new PathId(3), path)], [Blob(2)], Blob(3), Split.Router, 10, sequences, 16);
        yield return new TokenRouterSpec
        {
            Base = path,
            Paths = 4,
            Losses = [Blob(2), Blob(3)],
            Chunks = [Blob(4)],
            Sequences = sequences,
            BatchSequences = 4,
            Schedule = new LearningRateSchedule(0.01, 1, 4, 0.1),
            AdamW = new AdamWOptions(0.9, 0.95, 1e-8, 0.1, 1),
            Horizon = 8,
            Seed = 1,
        };
        yield return new RerouteSpec(ReroutingRouter.Token, path, Blob(2), [Blob(3)], [Blob(4)], [Blob(5), Blob(6)], sequences, [16, 64]);
        yield return new RouterBoundsSpec(Blob(2), [Blob(3)], [Blob(4)], [Blob(5), Blob(6)]);
        yield return new SampleSpec(path, [1, 2, 3], 4, 0, 0.8, 1);
    }

    private static BlobHash Blob(byte number) => BlobHash.Of([number]);

    /// <summary>Copies of a value, each with one number, word, flag, element or blob in it changed.</summary>
    private static IEnumerable<(string What, object Value)> Variations(object value)
    {
        foreach (PropertyInfo property in value.GetType().GetProperties().Where(property => property.SetMethod is not null))
        {
            foreach ((string what, object? changed) in Changes(property.GetValue(value)!, property.PropertyType))
            {
                object copy = Copy(value);
                property.SetValue(copy, changed);
                yield return ($"{property.Name}{what}", copy);
            }
        }
    }

    private static IEnumerable<(string What, object? Value)> Changes(object value, Type type)
    {
        if (value is not null && Nullable.GetUnderlyingType(type) is not null)
        {
            yield return (" = null", null);
        }

        switch (value)
        {
            case int number:
                yield return ("", number + 1);
                break;
            case long number:
                yield return ("", number + 1);
                break;
            case ulong number:
                yield return ("", number + 1);
                break;
            case double number:
                yield return ("", Math.BitIncrement(number));
                break;
            case bool flag:
                yield return ("", !flag);
                break;
            case string text:
                yield return ("", text + "x");
                break;
            case null:
                yield return ("", type == typeof(string) ? "x"
                    : type == typeof(int?) ? 5
                    : type == typeof(VersionDelta) ? new VersionDelta(Blob(98), Blob(99))
                    : type == typeof(FoldedSums) ? new FoldedSums(Blob(99), [1])
                    : Blob(99));
                break;
            case Enum word:
                yield return ("", Enum.GetValues(word.GetType()).Cast<object>().First(other => !other.Equals(word)));
                break;
            case BlobHash:
                yield return ("", Blob(99));
                break;
            case PathId id:
                yield return ("", new PathId(id.Value + 10));
                break;
            case ModuleId id:
                yield return ("", new ModuleId(id.Name + "x"));
                break;
            case IList list when type.IsGenericType:
                foreach ((string what, object changed) in ListChanges(list, type))
                {
                    yield return (what, changed);
                }

                break;
            default:
                foreach ((string what, object changed) in Variations(value))
                {
                    yield return ($".{what}", changed);
                }

                break;
        }
    }

    private static IEnumerable<(string What, object Value)> ListChanges(IList list, Type type)
    {
        object[] items = [.. list.Cast<object>()];
        Type element = type.GetGenericArguments()[0];
        if (items.Length > 1)
        {
            yield return (" reversed", Of([.. items.Reverse()]));
        }

        yield return (" shorter", Of(items[1..]));
        foreach ((string what, object? changed) in Changes(items[0], element))
        {
            yield return ($"[0]{what}", Of([changed!, .. items[1..]]));
        }

        object Of(object[] changed)
        {
            Array array = Array.CreateInstance(element, changed.Length);
            changed.CopyTo(array, 0);
            return typeof(ImmutableArray).GetMethods()
                .Single(method => method.Name == nameof(ImmutableArray.Create) && method.GetParameters() is [{ ParameterType.IsArray: true }])
                .MakeGenericMethod(element).Invoke(null, [array])!;
        }
    }

    private static object Copy(object value) => value.GetType().IsValueType
        ? typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!.Invoke(value, null)!
        : value.GetType().GetMethod("<Clone>$")!.Invoke(value, null)!;

    private static IEnumerable<BlobHash> Blobs(object? value) => value switch
    {
        BlobHash blob => [blob],
        null or string => [],
        IEnumerable list => list.Cast<object>().SelectMany(Blobs),
        _ when value.GetType().Namespace!.StartsWith("DiPaCo", StringComparison.Ordinal) && !value.GetType().IsEnum =>
            value.GetType().GetProperties().Where(property => property.SetMethod is not null).SelectMany(property => Blobs(property.GetValue(value))),
        _ => [],
    };
}
