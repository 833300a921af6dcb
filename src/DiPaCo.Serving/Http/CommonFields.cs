using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Serving.Http;

/// <summary>The fields that requests for completions and for chats have in common.</summary>
internal static class CommonFields
{
    private static readonly FrozenSet<string> KnownOfStream = FrozenSet.Create(StringComparer.Ordinal, "include_usage", "include_obfuscation");

    private static readonly FrozenSet<string> KnownOfDipaco = FrozenSet.Create(StringComparer.Ordinal, "reroute");

    private static readonly FrozenSet<string> KnownOfReroute = FrozenSet.Create(StringComparer.Ordinal, "window", "router");

    /// <summary>Fields of OpenAI's own service that change no answer: its clients send them, and they are taken without a look.</summary>
    public static ImmutableArray<string> WithoutEffect { get; } = ["user", "safety_identifier", "metadata", "service_tier", "prompt_cache_key", "prompt_cache_retention", "parallel_tool_calls"];

    /// <summary>Whether a stream ends with numbers of tokens.</summary>
    public static bool StreamUsage(RequestBody body) => body.Object("stream_options", KnownOfStream)?.Flag("include_usage") ?? false;

    /// <summary>Texts before which writing ends.</summary>
    public static ImmutableArray<string> Stops(RequestBody body)
    {
        ImmutableArray<string> stops = body.Strings("stop", 16);
        return stops.All(stop => stop.Length <= 1_000) ? stops : throw RequestBody.Bad("A string of 'stop' is longer than 1,000 characters.", "stop");
    }

    /// <summary>How tokens are drawn.</summary>
    public static SamplingOptions Sampling(RequestBody body, LiveModel model) => new()
    {
        Temperature = body.Number("temperature", 1, 0, 100),
        TopP = body.Number("top_p", 1, 0, 1),
        TopK = (int)body.Integer("top_k", 0, 0, int.MaxValue),
        MinP = body.Number("min_p", 0, 0, 1),
        RepetitionPenalty = body.Number("repetition_penalty", 1, 0.01, 100),
        FrequencyPenalty = body.Number("frequency_penalty", 0, -2, 2),
        PresencePenalty = body.Number("presence_penalty", 0, -2, 2),
        LogitBias = Biases(body, model.Vocabulary),
        Seed = body.Has("seed") ? body.Integer("seed", 0, long.MinValue, long.MaxValue) : BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8)),
    };

    private static ImmutableSortedDictionary<int, double> Biases(RequestBody body, int vocabulary)
    {
        if (body.Object("logit_bias", known: null) is not { } biases)
        {
            return ImmutableSortedDictionary<int, double>.Empty;
        }

        ImmutableSortedDictionary<int, double>.Builder read = ImmutableSortedDictionary.CreateBuilder<int, double>();
        foreach ((string key, JsonElement value) in biases.Fields)
        {
            if (!int.TryParse(key, NumberStyles.None, CultureInfo.InvariantCulture, out int token) || token >= vocabulary)
            {
                throw RequestBody.Bad($"'logit_bias' names the token '{(key.Length > 20 ? key[..20] : key)}'; a number from 0 to {vocabulary - 1} was expected.", "logit_bias");
            }

            read[token] = biases.Number(key, 0, -100, 100);
        }

        return read.ToImmutable();
    }

    /// <summary>Whether and how paths are chosen anew.</summary>
    public static RerouteOptions? Reroute(RequestBody body, LiveModel model, PathId? path, ServingLimits limits)
    {
        if (body.Object("dipaco", KnownOfDipaco)?.Object("reroute", KnownOfReroute) is not { } reroute)
        {
            // A version of a run may have no token router, though the one had that the server began with.
            return path is null && (limits.Reroute?.Router != ReroutingRouter.Token || !model.TokenRouters.IsEmpty) ? limits.Reroute : null;
        }

        RerouteOptions options = new(
            (int)reroute.Integer("window", 64, 1, 1 << 20),
            reroute.String("router") switch
            {
                null or "prefix" => ReroutingRouter.Prefix,
                "token" => ReroutingRouter.Token,
                string other => throw RequestBody.Bad($"'dipaco.reroute.router' is '{(other.Length > 20 ? other[..20] : other)}'; prefix or token was expected.", "dipaco.reroute.router"),
            });
        if (path is not null)
        {
            throw RequestBody.Bad("A path was asked for by name and re-routing as well; leave one of them out.", "dipaco.reroute");
        }

        try
        {
            model.ThrowIfImpossible(options);
        }
        catch (DiPaCoException exception)
        {
            throw RequestBody.Bad(exception.Message, "dipaco.reroute");
        }

        return options;
    }
}
