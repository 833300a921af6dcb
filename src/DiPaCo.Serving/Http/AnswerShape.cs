using System.Text.Json;

namespace DiPaCo.Serving.Http;

/// <summary>How answers look: those of completions, or those of chats.</summary>
internal abstract class AnswerShape
{
    /// <summary>Answers of <c>/v1/completions</c>.</summary>
    public static AnswerShape Text { get; } = new TextShape();

    /// <summary>Answers of <c>/v1/chat/completions</c>.</summary>
    public static AnswerShape Chat { get; } = new ChatShape();

    /// <summary>What names of answers begin with.</summary>
    public abstract string IdKind { get; }

    /// <summary>What an answer, or an event of a stream, calls itself.</summary>
    public abstract string ObjectName(bool isEvent);

    /// <summary>Writes the choice of an answer that is complete.</summary>
    public abstract void WriteChoice(Utf8JsonWriter json, ChoiceLog choice);

    /// <summary>Writes a piece of a choice for a stream.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="choice">The choice.</param>
    /// <param name="piece">Which piece of it.</param>
    public abstract void WritePiece(Utf8JsonWriter json, ChoiceLog choice, ChoicePiece piece);
}
