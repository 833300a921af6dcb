using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Serving.Chat;
using DiPaCo.Serving.Chat.Templates;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Serving.Http;

/// <summary>Reads a request for a chat: a request for a completion whose prompt is made of messages.</summary>
internal static class ChatRequest
{
    private const int MostMessages = 4_096;

    private const int MostParts = 256;

    private static readonly string[] Roles = ["system", "developer", "user", "assistant"];

    private static readonly FrozenDictionary<string, string> NotThere = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["tools"] = "there are no tools here.",
        ["tool_choice"] = "there are no tools here.",
        ["functions"] = "there are no tools here.",
        ["function_call"] = "there are no tools here.",
        ["response_format"] = "the text cannot be held to a format.",
        ["audio"] = "there is text only.",
        ["modalities"] = "there is text only.",
        ["store"] = "answers are not kept.",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> KnownOfMessage = FrozenSet.Create(StringComparer.Ordinal, "role", "content", "name", "refusal", "tool_calls", "function_call", "audio");

    private static readonly FrozenSet<string> KnownOfPart = FrozenSet.Create(StringComparer.Ordinal, "type", "text");

    /// <summary>The fields of a request for a chat.</summary>
    public static IReadOnlySet<string> Fields { get; } = FrozenSet.Create(
        StringComparer.Ordinal,
        [
            "model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p", "n", "stream", "stream_options", "logprobs", "top_logprobs",
            "stop", "seed", "presence_penalty", "frequency_penalty", "repetition_penalty", "logit_bias", "dipaco", .. CommonFields.WithoutEffect, .. NotThere.Keys,
        ]);

    /// <summary>Reads and checks a request.</summary>
    /// <param name="body">The request.</param>
    /// <param name="models">The models.</param>
    /// <param name="limits">The server's limits.</param>
    /// <param name="time">The clock, for templates that name the day.</param>
    public static CompletionRequest Of(RequestBody body, ModelNames models, ServingLimits limits, TimeProvider time)
    {
        (LiveModel model, PathId? path, string name) = models.Find(body);
        ChatPrompts chat = model.Chat ?? throw (model.ChatProblem is { } problem
            ? new ApiException(400, $"This model's chat template cannot be read, so there are no chats; use /v1/completions. {problem}", code: "chat_template_invalid")
            : new ApiException(400, "This model's tokenizer has no chat template, so there are no chats; use /v1/completions.", code: "chat_template_missing"));
        ThrowIfNotThere(body);
        int most = Math.Min(limits.MaxPromptTokens, model.Context - 1);
        MarkedText text = TextOf(MessagesOf(body), chat, time);
        (ImmutableArray<int> tokens, int hidden) = PromptTokens.Of(model, text.Value, most, "messages", () => chat.Encode(text));
        PromptTokens.ThrowIfLong(tokens.Length, most, "messages");
        PromptText prompt = new(text.Value, tokens, hidden, DocumentOrigin.Hash(DocumentOrigin.OfText(text.Value)));
        bool logProbabilities = body.Flag("logprobs");
        if (body.Has("top_logprobs") && !logProbabilities)
        {
            throw RequestBody.Bad("'top_logprobs' needs 'logprobs' to be true.", "top_logprobs");
        }

        int top = (int)body.Integer("top_logprobs", 0, 0, 20);
        return new CompletionRequest
        {
            Shape = AnswerShape.Chat,
            Name = name,
            Prompts = [prompt],
            Count = (int)body.Integer("n", 1, 1, limits.MaxPromptsPerRequest),
            Stream = body.Flag("stream"),
            StreamUsage = CommonFields.StreamUsage(body),
            Echo = false,
            LogProbabilities = logProbabilities ? top : null,
            Template = new GenerationRequest
            {
                Model = model,
                Prompt = prompt.Tokens,
                Path = path,
                MaxTokens = MaxTokens(body, prompt.Tokens.Length, model.Context, limits.MaxOutputTokens),
                Sampling = CommonFields.Sampling(body, model),
                Stop = [.. CommonFields.Stops(body), .. chat.EndTexts],
                EndTokens = chat.EndTokens,
                LogProbabilities = logProbabilities,
                TopLogProbabilities = top,
                Reroute = CommonFields.Reroute(body, model, path, limits),
            },
        }.ThrowIfTooLong(limits);
    }

    private static void ThrowIfNotThere(RequestBody body)
    {
        foreach ((string field, string reason) in NotThere)
        {
            // What asks for nothing is taken: clients send it.
            bool asks = body.Find(field) is { } value && field switch
            {
                "tools" or "functions" => value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > 0,
                "tool_choice" or "function_call" => value.ValueKind != JsonValueKind.String || body.String(field) is not ("none" or "auto"),
                "response_format" => value.ValueKind != JsonValueKind.Object || body.Object(field, known: null)!.String("type") != "text",
                "store" => body.Flag(field),
                "modalities" => body.Strings(field, MostParts) is not ["text"],
                _ => true,
            };
            if (asks)
            {
                throw body.Unsupported(field, reason);
            }
        }
    }

    private static MarkedText TextOf(ImmutableArray<ChatMessage> messages, ChatPrompts chat, TimeProvider time)
    {
        try
        {
            return chat.Render(messages, time);
        }
        catch (TemplateException exception)
        {
            throw exception.IsRaised
                ? RequestBody.Bad($"The model's chat template does not take these messages: {exception.Message}", "messages", "messages_refused")
                : RequestBody.Bad($"The model's chat template fails on these messages: {exception.Message}", "messages", "chat_template_failed");
        }
    }

    private static ImmutableArray<ChatMessage> MessagesOf(RequestBody body) => [.. body.Objects("messages", KnownOfMessage, MostMessages).Select(MessageOf)];

    private static ChatMessage MessageOf(RequestBody message)
    {
        string role = message.String("role") ?? throw message.Missing("role");
        if (!Roles.Contains(role))
        {
            throw message.Unsupported("role", $"'{(role.Length > 20 ? role[..20] : role)}' is none of {string.Join(", ", Roles)}.");
        }

        foreach (string field in (ReadOnlySpan<string>)["tool_calls", "function_call", "audio"])
        {
            if (message.Has(field))
            {
                throw message.Unsupported(field, "a message is text.");
            }
        }

        return new ChatMessage(role, ContentOf(message), message.String("name"));
    }

    /// <summary>A text, or several parts, which become lines of one.</summary>
    private static string ContentOf(RequestBody message)
    {
        if (message.Find("content") is not { } content)
        {
            throw message.Missing("content");
        }

        if (content.ValueKind == JsonValueKind.String)
        {
            return message.TextOf(content, "content");
        }

        if (content.ValueKind != JsonValueKind.Array)
        {
            throw message.Wrong("content", content, "a string or a list of parts");
        }

        return string.Join('\n', message.Objects("content", null, MostParts).Select(part =>
        {
            if (part.String("type") is not "text")
            {
                throw part.Unsupported("type", "a part is {\"type\": \"text\", \"text\": …}.");
            }

            part.ThrowIfOthers(KnownOfPart);
            return part.String("text") ?? throw part.Missing("text");
        }));
    }

    private static int MaxTokens(RequestBody body, int prompt, int context, int mostOutput)
    {
        int room = context - prompt;
        string field = body.Has("max_completion_tokens") || !body.Has("max_tokens") ? "max_completion_tokens" : "max_tokens";
        int tokens = (int)body.Integer(field, Math.Min(room, mostOutput), 1, mostOutput);
        if (body.Has("max_tokens") && body.Integer("max_tokens", tokens, 1, mostOutput) != tokens)
        {
            throw RequestBody.Bad("'max_tokens' and 'max_completion_tokens' differ; give one of them.", "max_tokens");
        }

        return tokens <= room ? tokens : throw RequestBody.Bad(
            $"This model's context is {context} tokens; the messages have {prompt} and '{field}' is {tokens}. Shorten one of them.", field, "context_length_exceeded");
    }
}
