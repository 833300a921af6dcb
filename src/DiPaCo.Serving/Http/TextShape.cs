using System.Text.Json;

namespace DiPaCo.Serving.Http;

/// <summary>Answers of <c>/v1/completions</c>: a text, and log probabilities as lists side by side.</summary>
internal sealed class TextShape : AnswerShape
{
    /// <inheritdoc/>
    public override string IdKind => "cmpl";

    /// <inheritdoc/>
    public override string ObjectName(bool isEvent) => "text_completion";

    /// <inheritdoc/>
    public override void WriteChoice(Utf8JsonWriter json, ChoiceLog choice) => Write(json, choice, choice.Text, 0, choice.FinishName);

    /// <inheritdoc/>
    public override void WritePiece(Utf8JsonWriter json, ChoiceLog choice, ChoicePiece piece) =>
        Write(json, choice, piece.Text, piece.FirstToken, piece.IsLast ? choice.FinishName : null);

    private static void Write(Utf8JsonWriter json, ChoiceLog choice, string text, int first, string? finish)
    {
        json.WriteStartObject();
        json.WriteString("text", text);
        json.WriteNumber("index", choice.Index);
        WriteLogProbabilities(json, choice, first);
        json.WriteString("finish_reason", finish);
        json.WriteEndObject();
    }

    private static void WriteLogProbabilities(Utf8JsonWriter json, ChoiceLog choice, int first)
    {
        if (choice.LikeliestToName is not { } top)
        {
            json.WriteNull("logprobs");
            return;
        }

        json.WriteStartObject("logprobs");
        json.WriteStartArray("tokens");
        foreach (ChosenToken token in choice.TokensFrom(first))
        {
            json.WriteStringValue(token.Piece);
        }

        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach (ChosenToken token in choice.TokensFrom(first))
        {
            Answer.Number(json, token.Score.LogProbability ?? double.NaN);
        }

        json.WriteEndArray();
        WriteTop(json, choice, first, top);
        json.WriteStartArray("text_offset");
        foreach (ChosenToken token in choice.TokensFrom(first))
        {
            json.WriteNumberValue(token.Offset);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTop(Utf8JsonWriter json, ChoiceLog choice, int first, int top)
    {
        if (top == 0)
        {
            json.WriteNull("top_logprobs");
            return;
        }

        json.WriteStartArray("top_logprobs");
        foreach (ChosenToken token in choice.TokensFrom(first))
        {
            if (token.Score.LogProbability is null)
            {
                json.WriteNullValue();
                continue;
            }

            // Two tokens may have the same text, since bytes that are no character are shown alike: the likelier one is named.
            json.WriteStartObject();
            HashSet<string> named = [];
            foreach ((int likely, double logProbability) in token.Score.Top)
            {
                string piece = choice.PieceOf(likely);
                if (named.Add(piece))
                {
                    json.WritePropertyName(piece);
                    Answer.Number(json, logProbability);
                }
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
