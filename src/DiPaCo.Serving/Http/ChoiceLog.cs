using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Scheduling;
using DiPaCo.Serving.Text;

namespace DiPaCo.Serving.Http;

/// <summary>What is known of one sequence so far: its text, tokens with log probabilities, path and re-routes.</summary>
/// <param name="index">Its number in the answer.</param>
/// <param name="prompt">Its prompt.</param>
/// <param name="request">What was asked for.</param>
internal sealed class ChoiceLog(int index, PromptText prompt, CompletionRequest request)
{
    private readonly StringBuilder _text = new(request.Echo ? prompt.Text : "");
    private readonly List<ChosenToken> _tokens = [];
    private readonly List<GenerationEvent.Rerouted> _reroutes = [];
    private readonly Decoder _characters = Encoding.UTF8.GetDecoder();
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
                Add(token.Score, token.Bytes.Span);
                _text.Append(token.Text);
                return token.Text;
            case GenerationEvent.Finished finished:
                Finished = finished.Reason;
                if (request.Echo && finished.End is { } end)
                {
                    // Who has a text scored asks for one token more and leaves the last entry away: it must be there, also where the text ends.
                    Add(end, []);
                }

                _text.Append(finished.Text);
                return finished.Text;
            default:
                return "";
        }
    }

    /// <summary>Its text so far.</summary>
    public string Text => _text.ToString();

    /// <summary>What OpenAI's API calls the way in which it ended.</summary>
    public string FinishName => Finished == FinishReason.Length ? "length" : "stop";

    /// <summary>How many of the likeliest tokens an answer names at each place; null: it has no log probabilities.</summary>
    public int? LikeliestToName => request.LogProbabilities;

    /// <summary>The tokens that an answer can name, from one of them on.</summary>
    public IEnumerable<ChosenToken> TokensFrom(int first) => _tokens.Skip(first);

    /// <summary>What tokens are called.</summary>
    public TokenNames Names => request.Template.Model.Names;

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
        Answer.Path(json, topology, path, routed.Scores);
        json.WriteStartArray("reroutes");
        foreach (GenerationEvent.Rerouted rerouted in _reroutes)
        {
            json.WriteStartObject();
            json.WriteNumber("position", rerouted.Position);
            json.WriteNumber("from", rerouted.From.Value);
            json.WriteNumber("to", rerouted.To.Value);
            json.WriteNumber("first_block", rerouted.FirstBlock);
            Answer.Scores(json, rerouted.Scores);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void TakePrompt(ImmutableArray<TokenScore> scores)
    {
        TokenText text = new(request.Template.Model.Tokenizer);
        for (int at = 0; at < scores.Length; at++)
        {
            byte[] bytes = text.Next(scores[at].Token);
            if (at >= prompt.Hidden)
            {
                Add(scores[at], bytes);
            }
        }

        // What is cut at its end has come out as it is.
        _characters.Reset();
        _offset = prompt.Text.Length;
    }

    /// <summary>A token begins behind the characters that are whole before it.</summary>
    private void Add(TokenScore score, ReadOnlySpan<byte> bytes)
    {
        _tokens.Add(new ChosenToken(score, _offset));
        Span<char> characters = new char[Encoding.UTF8.GetMaxCharCount(bytes.Length)];
        _offset += _characters.GetChars(bytes, characters, flush: false);
    }
}
