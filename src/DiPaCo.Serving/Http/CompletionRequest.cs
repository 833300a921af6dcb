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
        [
            "model", "prompt", "max_tokens", "temperature", "top_p", "top_k", "min_p", "n", "best_of", "stream", "stream_options", "logprobs", "echo", "stop", "seed",
            "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias", "suffix", "dipaco", .. CommonFields.WithoutEffect,
        ]);

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
        select (prompt, Template with { Prompt = prompt.Tokens, Hidden = prompt.Hidden, Origin = prompt.Origin, Stream = stream });

    /// <summary>Refuses a request for more log probabilities than one answer may name.</summary>
    /// <param name="limits">The server's limits.</param>
    /// <exception cref="ApiException">They are too many.</exception>
    public CompletionRequest ThrowIfTooLong(ServingLimits limits)
    {
        if (LogProbabilities is { } top)
        {
            long tokens = Count * Prompts.Sum(prompt => (long)Template.MaxTokens + (Echo ? prompt.Tokens.Length : 0));
            if (tokens * (1 + top) > limits.MaxLogProbabilities)
            {
                throw RequestBody.Bad(
                    $"Log probabilities of {top} likeliest tokens beside each of up to {tokens} are more than the {limits.MaxLogProbabilities} that one answer may have. Ask for fewer, or send several requests.",
                    "logprobs");
            }
        }

        return this;
    }

    /// <summary>Reads and checks a request.</summary>
    /// <param name="body">The request.</param>
    /// <param name="models">The models.</param>
    /// <param name="limits">The server's limits.</param>
    public static CompletionRequest Of(RequestBody body, ModelNames models, ServingLimits limits)
    {
        (LiveModel model, PathId? path, string name) = models.Find(body);
        int context = model.Context;
        ImmutableArray<PromptText> prompts = new PromptReader(model, limits).Read(body, "prompt");
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

        int longest = prompts.Max(prompt => prompt.Tokens.Length);
        int unsaid = Math.Min(Math.Clamp(context - longest, 1, 16), limits.MaxOutputTokens);
        int tokens = (int)body.Integer("max_tokens", unsaid, 0, limits.MaxOutputTokens);
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
        }.ThrowIfTooLong(limits);
    }

    /// <summary>The fields of a request for completions.</summary>
    public static IReadOnlySet<string> Fields => Known;
}
