using System.Text.Json;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Text;

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
            json.WriteStringValue(choice.Names.Of(token.Score.Token));
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

            WriteTop(json, choice.Names, token.Score);
        }

        json.WriteEndArray();
    }

    /// <summary>The likeliest tokens, and the token itself, also where it is none of them: as OpenAI's API does, with one entry more then.</summary>
    private static void WriteTop(Utf8JsonWriter json, TokenNames names, TokenScore score)
    {
        string own = names.Of(score.Token);
        HashSet<string> named = [own];
        json.WriteStartObject();
        foreach ((int token, double logProbability) in score.Top)
        {
            // Two tokens may have the same text: in SentencePiece's vocabularies each byte has a token beside the letter.
            string name = names.Of(token);
            json.WritePropertyName(token == score.Token || named.Add(name) ? name : names.ByBytes(token));
            Answer.Number(json, logProbability);
        }

        if (!score.Top.Any(top => top.Token == score.Token))
        {
            json.WritePropertyName(own);
            Answer.Number(json, score.LogProbability!.Value);
        }

        json.WriteEndObject();
    }
}
