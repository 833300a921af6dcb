using DiPaCo.Serving.Models;
using DiPaCo.Serving.Sampling;
using DiPaCo.Serving.Text;

namespace DiPaCo.Serving.Scheduling;

/// <summary>What a sequence writes: draws its tokens and makes text of them.</summary>
internal sealed class SequenceText
{
    private readonly GenerationRequest _request;
    private readonly int _endOfText;
    private readonly TokenSampler _sampler;
    private readonly TokenText _pieces;
    private readonly StopText _text;

    /// <summary>Begins behind the prompt.</summary>
    public SequenceText(GenerationRequest request)
    {
        LiveModel model = request.Model;
        _request = request;
        _endOfText = model.Tokenizer.EndOfText;
        _sampler = new TokenSampler(request.Sampling, model.Vocabulary, request.Prompt.AsSpan()[request.Hidden..], request.Stream);
        _pieces = new TokenText(model.Tokenizer);
        foreach (int token in request.Prompt.AsSpan()[^Math.Min(TokenText.Window, request.Prompt.Length)..])
        {
            _pieces.Next(token);
        }

        _text = new StopText(request.Stop);
    }

    /// <summary>Whether a stop string was written.</summary>
    public bool Stopped => _text.Stopped;

    /// <summary>Draws the next token.</summary>
    public int Draw(ReadOnlySpan<float> logits) => _sampler.Next(logits);

    /// <summary>Whether a token ends the text instead of going on with it.</summary>
    public bool IsEnd(int token) => token == _endOfText || _request.EndTokens.Contains(token);

    /// <summary>Goes on with a token.</summary>
    public GenerationEvent.Token Add(TokenScore score)
    {
        byte[] bytes = _pieces.Next(score.Token);
        return new GenerationEvent.Token(score, bytes, _text.Append(bytes));
    }

    /// <summary>The text ends: what was held back comes out.</summary>
    public string Finish() => _text.Finish();
}
