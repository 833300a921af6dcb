using System.Text.Json;

namespace DiPaCo.Serving.Http;

/// <summary>Answers of <c>/v1/chat/completions</c>: a message, in streams as what is added to it, and log probabilities token by token.</summary>
internal sealed class ChatShape : AnswerShape
{
    /// <inheritdoc/>
    public override string IdKind => "chatcmpl";

    /// <inheritdoc/>
    public override string ObjectName(bool isEvent) => isEvent ? "chat.completion.chunk" : "chat.completion";

    /// <inheritdoc/>
    public override void WriteChoice(Utf8JsonWriter json, ChoiceLog choice)
    {
        json.WriteStartObject();
        json.WriteNumber("index", choice.Index);
        json.WriteStartObject("message");
        json.WriteString("role", "assistant");
        json.WriteString("content", choice.Text);
        json.WriteNull("refusal");
        json.WriteEndObject();
        WriteLogProbabilities(json, choice, 0);
        json.WriteString("finish_reason", choice.FinishName);
        json.WriteEndObject();
    }

    /// <inheritdoc/>
    public override void WritePiece(Utf8JsonWriter json, ChoiceLog choice, ChoicePiece piece)
    {
        json.WriteStartObject();
        json.WriteNumber("index", choice.Index);
        json.WriteStartObject("delta");
        if (piece.IsFirst)
        {
            json.WriteString("role", "assistant");
        }

        if (piece.IsFirst || piece.Text.Length > 0)
        {
            json.WriteString("content", piece.Text);
        }

        json.WriteEndObject();
        WriteLogProbabilities(json, choice, piece.FirstToken);
        json.WriteString("finish_reason", piece.IsLast ? choice.FinishName : null);
        json.WriteEndObject();
    }

    private static void WriteLogProbabilities(Utf8JsonWriter json, ChoiceLog choice, int first)
    {
        if (choice.LikeliestToName is null)
        {
            json.WriteNull("logprobs");
            return;
        }

        json.WriteStartObject("logprobs");
        json.WriteStartArray("content");
        foreach (ChosenToken token in choice.TokensFrom(first))
        {
            json.WriteStartObject();
            WriteToken(json, choice, token.Score.Token, token.Score.LogProbability);
            json.WriteStartArray("top_logprobs");
            foreach ((int likely, double logProbability) in token.Score.Top)
            {
                json.WriteStartObject();
                WriteToken(json, choice, likely, logProbability);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNull("refusal");
        json.WriteEndObject();
    }

    /// <summary>A token by its text and by its bytes, which may be a part of a character.</summary>
    private static void WriteToken(Utf8JsonWriter json, ChoiceLog choice, int token, double? logProbability)
    {
        json.WriteString("token", choice.Names.Of(token));
        json.WritePropertyName("logprob");
        Answer.Number(json, logProbability ?? double.NaN);
        json.WriteStartArray("bytes");
        foreach (byte one in choice.Names.BytesOf(token))
        {
            json.WriteNumberValue(one);
        }

        json.WriteEndArray();
    }
}
