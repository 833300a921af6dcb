using System.Collections.Frozen;
using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Serving.Http;

/// <summary>A request for completions, checked.</summary>
internal sealed record CompletionRequest
{
    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.Ordinal,
        "model", "prompt", "max_tokens", "temperature", "top_p", "top_k", "min_p", "n", "best_of", "stream", "stream_options", "logprobs", "echo", "stop", "seed",
        "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias", "suffix", "user", "dipaco");

    /// <summary>How the answer looks.</summary>
    public AnswerShape Shape { get; init; } = AnswerShape.Text;

    /// <summary>The name by which the model was asked for.</summary>
    public required string Name { get; init; }

    /// <summary>The prompts.</summary>
    public required ImmutableArray<PromptText> Prompts { get; init; }

    /// <summary>Sequences of each prompt.</summary>
    public required int Count { get; init; }

    /// <summary>Whether tokens are sent as they are written.</summary>
    public required bool Stream { get; init; }

    /// <summary>Whether a stream ends with numbers of tokens.</summary>
    public required bool StreamUsage { get; init; }

    /// <summary>Whether the prompt comes back before the text.</summary>
    public required bool Echo { get; init; }

    /// <summary>Likeliest tokens to name; null: no log probabilities.</summary>
    public required int? LogProbabilities { get; init; }

    /// <summary>One sequence, without its prompt and number.</summary>
    public required GenerationRequest Template { get; init; }

    /// <summary>The sequences, prompt after prompt.</summary>
    public IEnumerable<(PromptText Prompt, GenerationRequest Request)> Sequences() =>
        from prompt in Prompts
        from stream in Enumerable.Range(0, Count)
        select (prompt, Template with { Prompt = prompt.Tokens, Origin = prompt.Origin, Stream = stream });

    /// <summary>Reads and checks a request.</summary>
    /// <param name="body">The request.</param>
    /// <param name="models">The models.</param>
    /// <param name="limits">The server's limits.</param>
    public static CompletionRequest Of(RequestBody body, ModelNames models, ServingLimits limits)
    {
        (LiveModel model, PathId? path, string name) = models.Find(body);
        int context = model.Context;
        ImmutableArray<PromptText> prompts = new PromptReader(model, limits.MaxPromptsPerRequest, Math.Min(limits.MaxPromptTokens, context)).Read(body, "prompt");
        int count = (int)body.Integer("n", 1, 1, limits.MaxPromptsPerRequest);
        if (body.Integer("best_of", count, 1, limits.MaxPromptsPerRequest) != count)
        {
            throw RequestBody.Bad($"'best_of' must be equal to 'n' ({count}).", "best_of");
        }

        if ((long)prompts.Length * count > limits.MaxPromptsPerRequest)
        {
            throw RequestBody.Bad($"{prompts.Length} prompts × n = {count} are more than the {limits.MaxPromptsPerRequest} sequences that a request may have.", "n");
        }

        if (body.Has("suffix"))
        {
            throw RequestBody.Bad("'suffix' is not supported: the model writes from left to right only.", "suffix");
        }

        int tokens = (int)body.Integer("max_tokens", Math.Min(16, limits.MaxOutputTokens), 0, limits.MaxOutputTokens);
        int longest = prompts.Max(prompt => prompt.Tokens.Length);
        if (longest + tokens > context)
        {
            throw RequestBody.Bad(
                $"This model's context is {context} tokens; the prompt has {longest} and 'max_tokens' is {tokens}. Shorten one of them.", "max_tokens", "context_length_exceeded");
        }

        bool echo = body.Flag("echo");
        int? logProbabilities = body.Has("logprobs") ? (int)body.Integer("logprobs", 0, 0, 20) : null;
        return new CompletionRequest
        {
            Name = name,
            Prompts = prompts,
            Count = count,
            Stream = body.Flag("stream"),
            StreamUsage = CommonFields.StreamUsage(body),
            Echo = echo,
            LogProbabilities = logProbabilities,
            Template = new GenerationRequest
            {
                Model = model,
                Prompt = prompts[0].Tokens,
                Path = path,
                MaxTokens = tokens,
                Sampling = CommonFields.Sampling(body, model),
                Stop = CommonFields.Stops(body),
                LogProbabilities = logProbabilities is not null,
                PromptLogProbabilities = logProbabilities is not null && echo,
                TopLogProbabilities = logProbabilities ?? 0,
                Reroute = CommonFields.Reroute(body, model, path, limits),
            },
        };
    }

    /// <summary>The fields of a request for completions.</summary>
    public static IReadOnlySet<string> Fields => Known;
<<<<<<< HEAD
=======

    private static ImmutableArray<string> Stops(RequestBody body)
    {
        ImmutableArray<string> stops = body.Strings("stop", 16);
        return stops.All(stop => stop.Length <= 1_000) ? stops : throw RequestBody.Bad("A string of 'stop' is longer than 1,000 characters.", "stop");
    }

    private static SamplingOptions Sampling(RequestBody body, LiveModel model) => new()
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

    private static RerouteOptions? Reroute(RequestBody body, LiveModel model, PathId? path, ServingLimits limits)
    {
        RequestBody? reroute = body.Object("dipaco", KnownOfDipaco)?.Object("reroute", KnownOfReroute);
        RerouteOptions? options = reroute is null ? limits.Reroute : new RerouteOptions(
            (int)reroute.Integer("window", 64, 1, 1 << 20),
            reroute.String("router") switch
            {
                null or "prefix" => ReroutingRouter.Prefix,
                "token" => ReroutingRouter.Token,
                string other => throw RequestBody.Bad($"'dipaco.reroute.router' is '{(other.Length > 20 ? other[..20] : other)}'; prefix or token was expected.", "dipaco.reroute.router"),
            });
        if (options is null || path is not null)
        {
            return reroute is null || path is null ? null
                : throw RequestBody.Bad("A path was asked for by name and re-routing as well; leave one of them out.", "dipaco.reroute");
        }

        try
        {
            model.ThrowIfTooLarge(reroutes: true);
        }
        catch (DiPaCoException exception)
        {
            throw RequestBody.Bad(exception.Message, "dipaco.reroute");
        }

        return options.Router != ReroutingRouter.Token || model.TokenRouterFor(options.Window) >= 0 ? options
            : throw RequestBody.Bad("This model has no token router; 'prefix' re-routes by the document router.", "dipaco.reroute.router");
    }
>>>>>>> page
}
