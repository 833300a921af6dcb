using System.Collections.Immutable;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>
/// A chat template: the subset of Jinja in which Hugging Face's tokenizers say how a conversation becomes text. It is data of whoever made the
/// tokenizer: it can reach nothing but the values that it is given, and what it may take is bounded (<see cref="Budget"/>).
/// </summary>
internal sealed class ChatTemplate
{
    private readonly ImmutableArray<Statement> _statements;

    private ChatTemplate(ImmutableArray<Statement> statements) => _statements = statements;

    /// <summary>Reads a template.</summary>
    /// <exception cref="TemplateException">It is not one, or uses what is not known here; the message names the line.</exception>
    public static ChatTemplate Parse(string source) => new(Parser.Read(source));

    /// <summary>Fills it in.</summary>
    /// <param name="values">The values that it may use.</param>
    /// <param name="time">What <c>strftime_now</c> asks.</param>
    /// <exception cref="TemplateException">It fails on these values, says so itself, or takes too much.</exception>
    public MarkedText Render(IEnumerable<KeyValuePair<string, Value>> values, TimeProvider time)
    {
        Scope globals = new(null);
        Functions.AddTo(globals, time);
        foreach ((string name, Value value) in values)
        {
            globals.Set(name, value);
        }

        return new Rendering().Run(_statements, new Scope(globals));
    }
}
