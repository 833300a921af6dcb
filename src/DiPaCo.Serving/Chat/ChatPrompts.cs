using System.Collections.Immutable;
using DiPaCo.Data;
using DiPaCo.Serving.Chat.Templates;

namespace DiPaCo.Serving.Chat;

/// <summary>Makes prompts of conversations, as the tokenizer's chat template says.</summary>
internal sealed class ChatPrompts
{
    private readonly ChatTemplate _template;
    private readonly ImmutableArray<(string Key, string? Token)> _tokens;
    private readonly MarkedTextEncoder _encoder;
    private readonly int _endOfText;
    private readonly int? _beginning;

    private ChatPrompts(ChatFormat format, ChatTemplate template, TextTokenizer tokenizer, int vocabulary)
    {
        int? IdOf(string? text) => tokenizer.SpecialTokens.FirstOrDefault(token => token.Content == text && token.Id < vocabulary)?.Id;
        _template = template;
        _encoder = new MarkedTextEncoder(tokenizer, vocabulary);
        _endOfText = tokenizer.EndOfText;
        format = format.WithTokens(tokenizer.SpecialTokens.FirstOrDefault(token => token.Id == tokenizer.EndOfText)?.Content);
        _tokens = [.. ChatFormatFile.NamedTokens(format)];
        _beginning = IdOf(format.Beginning);
        (EndTokens, EndTexts) = format.End is not { } end ? ([], [])
            : IdOf(end) is { } id ? ([id], []) : (ImmutableArray<int>.Empty, ImmutableArray.Create(end));
    }

    /// <summary>Tokens beside the end of a text that end what the assistant says.</summary>
    public ImmutableArray<int> EndTokens { get; }

    /// <summary>The same as text, where the tokenizer has no token for it.</summary>
    public ImmutableArray<string> EndTexts { get; }

    /// <summary>Reads the template.</summary>
    /// <param name="format">Template and tokens.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="vocabulary">Tokens that the model has.</param>
    /// <exception cref="TemplateException">The template cannot be read.</exception>
    public static ChatPrompts Of(ChatFormat format, TextTokenizer tokenizer, int vocabulary) => new(format, ChatTemplate.Parse(format.Template), tokenizer, vocabulary);

    /// <summary>The text of the prompt for the assistant's answer.</summary>
    /// <param name="messages">What was said.</param>
    /// <param name="time">The clock, for templates that name the day.</param>
    /// <exception cref="TemplateException">The template does not take these messages.</exception>
    public MarkedText Render(IEnumerable<ChatMessage> messages, TimeProvider time)
    {
        Dictionary<string, Value> values = new(StringComparer.Ordinal)
        {
            ["messages"] = new Value.List([.. messages.Select(ValueOf)]),
            ["add_generation_prompt"] = Value.Of(true),
            ["tools"] = Value.None.Instance,
            ["documents"] = Value.None.Instance,
        };
        foreach ((string key, string? token) in _tokens)
        {
            if (token is not null)
            {
                values[key] = Value.Of(token);
            }
        }

        return _template.Render(values, time);
    }

    /// <summary>The tokens of such a text.</summary>
    /// <returns>
    /// The tokens, and how many at their beginning are none of the text: as every document of training, a prompt begins behind the end of another,
    /// unless the template has put a token for the beginning there.
    /// </returns>
    public (ImmutableArray<int> Tokens, int Hidden) Encode(MarkedText text)
    {
        List<int> tokens = _encoder.Encode(text);
        bool begins = tokens.Count > 0 && (tokens[0] == _endOfText || tokens[0] == _beginning);
        return (begins ? [.. tokens] : [_endOfText, .. tokens], begins ? 0 : 1);
    }

    private static Value.Map ValueOf(ChatMessage message)
    {
        Value.Map map = new();
        map.Set("role", Value.Of(message.Role));
        map.Set("content", new Value.Text(MarkedText.OfClient(message.Content)));
        if (message.Name is { } name)
        {
            map.Set("name", new Value.Text(MarkedText.OfClient(name)));
        }

        return map;
    }
}
