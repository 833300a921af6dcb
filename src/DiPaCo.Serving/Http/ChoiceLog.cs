using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Serving.Http;

/// <summary>What is known of one sequence so far: its text, tokens with log probabilities, path and re-routes.</summary>
/// <param name="index">Its number in the answer.</param>
/// <param name="prompt">Its prompt.</param>
/// <param name="request">What was asked for.</param>
internal sealed class ChoiceLog(int index, PromptText prompt, CompletionRequest request)
{
    private readonly StringBuilder _text = new(request.Echo ? prompt.Text : "");
    private readonly List<(TokenScore Score, string Piece, int Offset)> _tokens = [];
    private readonly List<GenerationEvent.Rerouted> _reroutes = [];
    private int _offset;

    /// <summary>Its number in the answer.</summary>
    public int Index => index;

    /// <summary>The text of its prompt.</summary>
    public string Prompt => prompt.Text;

    /// <summary>Tokens written.</summary>
    public int Written { get; private set; }

    /// <summary>Where the router sent it; null: not yet.</summary>
    public GenerationEvent.Routed? Routed { get; private set; }

    /// <summary>Why it ended; null: it has not.</summary>
    public FinishReason? Finished { get; private set; }

    /// <summary>Takes an event; returns the text that came with it.</summary>
    public string Take(GenerationEvent happened)
    {
        switch (happened)
        {
            case GenerationEvent.Routed routed:
                Routed = routed;
                return "";
            case GenerationEvent.Rerouted rerouted:
                _reroutes.Add(rerouted);
                return "";
            case GenerationEvent.Prompt scored:
                TakePrompt(scored.Tokens);
                return "";
            case GenerationEvent.Token token:
                Written++;
                Add(token.Score, token.Piece);
                _text.Append(token.Text);
                return token.Text;
            case GenerationEvent.Finished finished:
                Finished = finished.Reason;
                _text.Append(finished.Text);
                return finished.Text;
            default:
                return "";
        }
    }

    /// <summary>Writes the choice of an answer that is complete.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("text", _text.ToString());
        json.WriteNumber("index", index);
        WriteLogProbabilities(json, 0);
        json.WriteString("finish_reason", Finished == FinishReason.Length ? "length" : "stop");
        json.WriteEndObject();
    }

    /// <summary>Writes a piece of a choice for a stream.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="text">The piece.</param>
    /// <param name="firstToken">The first token that was not sent yet.</param>
    /// <param name="last">Whether the choice ends with it.</param>
    public void WritePiece(Utf8JsonWriter json, string text, int firstToken, bool last)
    {
        json.WriteStartObject();
        json.WriteString("text", text);
        json.WriteNumber("index", index);
        WriteLogProbabilities(json, firstToken);
        json.WriteString("finish_reason", !last ? null : Finished == FinishReason.Length ? "length" : "stop");
        json.WriteEndObject();
    }

    /// <summary>Tokens that an answer can name so far.</summary>
    public int TokenCount => _tokens.Count;

    /// <summary>Writes path, scores and re-routes into an object that has begun.</summary>
    public void WriteRouting(Utf8JsonWriter json, ModelTopology topology)
    {
        if (Routed is not { } routed)
        {
            json.WriteNull("path");
            return;
        }

        PathId path = _reroutes.Count == 0 ? routed.Path : _reroutes[^1].To;
        json.WriteNumber("path", path.Value);
        Answer.Experts(json, topology, path);
        Answer.Scores(json, routed.Scores);
        json.WriteStartArray("reroutes");
        foreach (GenerationEvent.Rerouted rerouted in _reroutes)
        {
            json.WriteStartObject();
            json.WriteNumber("position", rerouted.Position);
            json.WriteNumber("from", rerouted.From.Value);
            json.WriteNumber("to", rerouted.To.Value);
            json.WriteNumber("first_block", rerouted.FirstBlock);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private TextTokenizer Tokenizer => request.Template.Model.Tokenizer;

    private void TakePrompt(ImmutableArray<TokenScore> scores)
    {
        foreach (TokenScore score in scores.AsSpan()[prompt.Hidden..])
        {
            Add(score, Tokenizer.Decode([score.Token]));
        }
    }

    private void Add(TokenScore score, string piece)
    {
        _tokens.Add((score, piece, _offset));
        _offset += piece.Length;
    }

    private void WriteLogProbabilities(Utf8JsonWriter json, int first)
    {
        if (request.LogProbabilities is not { } top)
        {
            json.WriteNull("logprobs");
            return;
        }

        json.WriteStartObject("logprobs");
        json.WriteStartArray("tokens");
        foreach ((_, string piece, _) in _tokens.Skip(first))
        {
            json.WriteStringValue(piece);
        }

        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach ((TokenScore score, _, _) in _tokens.Skip(first))
        {
            Answer.Number(json, score.LogProbability ?? double.NaN);
        }

        json.WriteEndArray();
        WriteTop(json, first, top);
        json.WriteStartArray("text_offset");
        foreach ((_, _, int offset) in _tokens.Skip(first))
        {
            json.WriteNumberValue(offset);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WriteTop(Utf8JsonWriter json, int first, int top)
    {
        if (top == 0)
        {
            json.WriteNull("top_logprobs");
            return;
        }

        json.WriteStartArray("top_logprobs");
        foreach ((TokenScore score, _, _) in _tokens.Skip(first))
        {
            if (score.LogProbability is null)
            {
                json.WriteNullValue();
                continue;
            }

            // Two tokens may have the same text, since bytes that are no character are shown alike: the likelier one is named.
            json.WriteStartObject();
            HashSet<string> named = [];
            foreach ((int token, double logProbability) in score.Top)
            {
                string piece = Tokenizer.Decode([token]);
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
