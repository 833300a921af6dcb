using System.Collections.Frozen;
using System.Text.Json;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Task specifications as text, and back: how a task travels to the worker that computes it.</summary>
public static class TaskSpecJson
{
    /// <summary>Bytes of a specification at most. The largest name every chunk of a corpus for every path.</summary>
    public const int MaximumBytes = 64 << 20;

    // Named one by one: what a peer sends never decides which type is made.
    private static readonly FrozenDictionary<string, Type> Types = new Dictionary<string, Type>
    {
        ["initialize"] = typeof(InitializeSpec),
        ["fork"] = typeof(ForkSpec),
        ["train"] = typeof(TrainSpec),
        ["synchronous"] = typeof(SynchronousSpec),
        ["fold"] = typeof(FoldSpec),
        ["outer"] = typeof(OuterSpec),
        ["features"] = typeof(FeaturesSpec),
        ["router"] = typeof(RouterSpec),
        ["discriminative-router"] = typeof(DiscriminativeSpec),
        ["shard"] = typeof(ShardSpec),
        ["held-out"] = typeof(HeldOutSpec),
        ["evaluate"] = typeof(EvaluateSpec),
        ["score"] = typeof(ScoreSpec),
        ["score-candidates"] = typeof(CandidateSpec),
        ["train-token-router"] = typeof(TokenRouterSpec),
        ["router-bounds"] = typeof(RouterBoundsSpec),
        ["reroute"] = typeof(RerouteSpec),
        ["sample"] = typeof(SampleSpec),
        ["topics"] = typeof(TopicsSpec),
        ["drift"] = typeof(DriftSpec),
        ["loss-difference"] = typeof(LossDifferenceSpec),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The kinds that workers compute.</summary>
    public static IEnumerable<string> Kinds => Types.Keys.Order(StringComparer.Ordinal);

    /// <summary>A specification as UTF-8 JSON.</summary>
    public static byte[] Write(TaskSpec spec) => TaskJson.SerializeToUtf8Bytes(spec);

    /// <summary>Reads a specification and checks that it is the task of that name.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="json">UTF-8 JSON as <see cref="Write"/> gives it.</param>
    /// <param name="key">The name that it must have.</param>
    /// <exception cref="DiPaCoException">The kind is unknown, the text is no such specification, or it is another task.</exception>
    public static TaskSpec Read(string kind, ReadOnlySpan<byte> json, TaskKey key)
    {
        if (!Types.TryGetValue(kind, out Type? type))
        {
            throw new DiPaCoException($"A task of kind '{kind}' is unknown to this version of dipaco, which computes {string.Join(", ", Kinds)}. Use the same version on all machines.");
        }

        if (json.Length > MaximumBytes)
        {
            throw new DiPaCoException($"A task of kind '{kind}' is described by {json.Length:N0} bytes; at most {MaximumBytes:N0} are allowed.");
        }

        TaskSpec spec;
        try
        {
            spec = (TaskSpec?)JsonSerializer.Deserialize(json, type, TaskJson.Options) ?? throw new JsonException("It is null.");
            if (spec.Key() == key)
            {
                return spec;
            }
        }
        catch (Exception exception) when (exception is JsonException or NotSupportedException or ArgumentException or FormatException or InvalidOperationException)
        {
            throw new DiPaCoException($"The description of task {key} is not one of kind '{kind}': {exception.Message}", exception);
        }

        throw new DiPaCoException($"The description of task {key} ({kind}) describes task {spec.Key()} instead. Use the same version of dipaco on all machines.");
    }
}
