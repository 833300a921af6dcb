using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Routing;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Sampling;

namespace DiPaCo.Serving.Scheduling;

/// <summary>A sequence that is being computed: says what it needs next, and takes what was computed; between steps it waits for modules. It belongs to the engine's thread.</summary>
internal sealed class Sequence : IDisposable
{
    private readonly GenerationHandle _handle;
    private readonly SequenceCache _cache;
    private readonly SequenceText _text;
    private readonly int[] _tokens;
    private readonly List<TokenScore> _promptScores = [];
    private readonly SequenceWeights _weights;
    private LiveModel _model;
    private PathChoice? _first;
    private bool _begun;
    private PathId _path;
    private Stage _stage = Stage.Start;
    private int _count;
    private int _filled;
    private int _boundary;
    private int _redoBlock;
    private int _redone;
    private int _redoEnd;
    private Work _work;

    /// <summary>Begins a sequence whose memory is reserved.</summary>
    /// <param name="handle">Its client.</param>
    /// <param name="cache">Keys and values; owned.</param>
    /// <param name="routeCache">Room for a prefix under the base model; owned; null where the path is given or no features are needed.</param>
    /// <param name="tokenCache">Room for the token router; owned; null where it is not asked for.</param>
    /// <param name="wake">Is called when something that it waited for is there.</param>
    public Sequence(GenerationHandle handle, SequenceCache cache, SequenceCache? routeCache, SequenceCache? tokenCache, Action wake)
    {
        GenerationRequest request = handle.Request;
        _handle = handle;
        _cache = cache;
        _weights = new SequenceWeights(routeCache, tokenCache, wake);
        _model = request.Model;
        _tokens = new int[request.Prompt.Length + request.MaxTokens];
        request.Prompt.CopyTo(_tokens);
        _count = request.Prompt.Length;
        _text = new SequenceText(request);
        // A router that looks at the origin says the same of every part of a text.
        _boundary = request.Reroute is { } reroute && (reroute.Router == ReroutingRouter.Token || _model.Router.FeatureWidth > 0) ? FirstBoundary(reroute.Window) : int.MaxValue;
    }

    private enum Stage
    {
        Start,
        Prefix,
        Token,
        Run,
        Done,
    }

    private enum Work
    {
        None,
        Prefix,
        Token,
        Redo,
        Fill,
    }

    /// <summary>Its client.</summary>
    public GenerationHandle Handle => _handle;

    /// <summary>Whether it has ended.</summary>
    public bool IsDone => _stage == Stage.Done;

    /// <summary>Whether its next step is one row, for the next token.</summary>
    public bool IsWriting => _stage == Stage.Run && _filled == _count - 1 && _redone == _redoEnd && !IsChoiceDue();

    /// <summary>Rows to compute before it can write, as far as is known.</summary>
    public int RowsLeft => _count - _filled + (_redoEnd - _redone);

    /// <summary>Tokens written so far.</summary>
    public int Written => _count - Request.Prompt.Length;

    private GenerationRequest Request => _handle.Request;

    private LiveModel Model => _model;

    /// <summary>What it needs in the next step, of at most <paramref name="rows"/> rows; null: nothing now.</summary>
    /// <exception cref="DiPaCoException">Its modules cannot be loaded.</exception>
    public Slice? Plan(int rows)
    {
        _work = Work.None;
        while (_stage != Stage.Done && !IsPending())
        {
            Slice? slice = _stage switch
            {
                Stage.Prefix => As(Work.Prefix, _weights.Prefix!.Plan(rows)),
                Stage.Token => As(Work.Token, _weights.Token!.Plan(_tokens, _boundary, rows)),
                Stage.Run => PlanRun(rows),
                _ => null,
            };
            if (slice is not null)
            {
                return slice;
            }

            Next();
        }

        return null;
    }

    /// <summary>Takes the logits of a position of the slice.</summary>
    public void Logits(int index, ReadOnlySpan<float> logits)
    {
        if (_work == Work.Token)
        {
            _weights.Token!.Logits(logits);
            return;
        }

        int position = _filled + index;
        if (position + 1 < Request.Prompt.Length)
        {
            _promptScores.Add(TokenScore.Of(logits, _tokens[position + 1], Request.TopLogProbabilities));
            return;
        }

        if (Request.PromptLogProbabilities && Written == 0)
        {
            _handle.Write(new GenerationEvent.Prompt([new TokenScore(Request.Prompt[0], null, []), .. _promptScores]));
        }

        if (Written < Request.MaxTokens)
        {
            Write(logits);
        }
    }

    /// <summary>Takes a hidden state of the base model.</summary>
    public void Hidden(ReadOnlySpan<float> hidden) => _weights.Prefix!.Hidden(hidden);

    /// <summary>The slice was computed.</summary>
    public void Advance(int count)
    {
        switch (_work)
        {
            case Work.Token:
                _weights.Token!.Advance(count);
                break;
            case Work.Redo:
                _redone += count;
                break;
            case Work.Fill:
                _filled += count;
                break;
        }
    }

    /// <summary>Ends it with a failure.</summary>
    public void Fail(Exception failure)
    {
        _stage = Stage.Done;
        _handle.Complete(failure);
    }

    /// <summary>Frees everything that it holds.</summary>
    public void Dispose()
    {
        _stage = Stage.Done;
        _handle.Complete(new OperationCanceledException("The sequence was given up."));
        _weights.Dispose();
        _cache.Dispose();
    }

    /// <summary>The version to turn to as long as nothing was computed.</summary>
    /// <exception cref="DiPaCoException">It cannot do what was asked for.</exception>
    private LiveModel Newest()
    {
        LiveModel newest = Request.Newest!();
        newest.ThrowIfImpossible(Request.Reroute);
        return newest;
    }

    private bool IsPending()
    {
        try
        {
            return _weights.IsPending(ref _model, _begun || Request.Newest is null ? null : Newest);
        }
        catch (Exception exception) when (exception is DiPaCoException or IOException && _weights.Path is not null && Request.Newest?.Invoke() is { } newest && newest != _model)
        {
            // A run in training lets go of old modules. What this text goes on with is still there, so it stays on its path.
            _boundary = _stage == Stage.Run ? _boundary : _boundary + Request.Reroute!.Window;
            _stage = Stage.Run;
            return false;
        }
    }

    private Slice? As(Work work, Slice? slice)
    {
        _work = slice is null ? Work.None : work;
        return slice;
    }

    /// <summary>Goes on where nothing is left to compute.</summary>
    private void Next()
    {
        switch (_stage)
        {
            case Stage.Start when Request.Path is { } given:
                Enter(new PathChoice(given, [], []));
                break;
            case Stage.Start when Model.Router.FeatureWidth == 0:
                Enter(PathChoice.Of(Model.Router.Paths, Model.Router.ScoresOf(new RouterInput(null, new[] { Request.Origin }), 0), []));
                break;
            case Stage.Start:
                ByPrefix(_tokens.AsMemory(0, Math.Min(Model.Description.PrefixTokens, _count)));
                break;
            case Stage.Prefix:
                Enter(_weights.Prefix!.Choose());
                break;
            case Stage.Token:
                Enter(_weights.Token!.Choose());
                break;
            case Stage.Run when IsChoiceDue():
                Reroute();
                break;
            default:
                Finish(FinishReason.Length);
                break;
        }
    }

    private void ByPrefix(ReadOnlyMemory<int> tokens)
    {
        _stage = Stage.Prefix;
        _weights.Prefix!.Begin(tokens);
        _weights.AskForBase(Model, lease => _weights.Prefix.Take(Model, lease));
    }

    private void ByToken(int window)
    {
        _stage = Stage.Token;
        _weights.AskForTokenRouter(Model, window);
    }

    private void Reroute()
    {
        if (Request.Reroute!.Router == ReroutingRouter.Token)
        {
            ByToken(Request.Reroute.Window);
        }
        else
        {
            // As the evaluation does: the document's first token begins every prefix that the router was fitted to.
            int[] tokens = _tokens[(_boundary - Math.Min(Model.Description.PrefixTokens, _boundary)).._boundary];
            tokens[0] = _tokens[0];
            ByPrefix(tokens);
        }
    }

    /// <summary>Goes on under the path that was chosen.</summary>
    private void Enter(PathChoice choice)
    {
        _stage = Stage.Run;
        int boundary = _boundary;
        if (_first is not null)
        {
            _boundary += Request.Reroute!.Window;
        }
        else if (Request.RouteOnly)
        {
            _handle.Write(new GenerationEvent.Routed(choice.Path, choice.Scores, choice.Features, _model));
            Finish(FinishReason.Stop);
            return;
        }
        else
        {
            _first = choice;
            if (Request.Reroute is not { Router: ReroutingRouter.Prefix })
            {
                _weights.EndPrefix();
            }

            if (IsChoiceDue())
            {
                // All that this path would write lies behind a boundary: its weights are not wanted.
                return;
            }
        }

        if (_weights.Path is null || choice.Path != _path)
        {
            _weights.AskForPath(Model, choice.Path, lease => GoOn(choice, lease, boundary));
        }
    }

    private void GoOn(PathChoice choice, ModuleLease lease, int boundary)
    {
        if (!_begun)
        {
            _handle.Write(new GenerationEvent.Routed(_first!.Path, _first.Scores, _first.Features, _model));
            _path = _first.Path;
        }

        if (choice.Path != _path)
        {
            _handle.Write(new GenerationEvent.Rerouted(boundary, _path, choice.Path, RedoFrom(choice.Path), choice.Scores));
        }

        _weights.TakePath(Model, lease);
        (_path, _begun) = (choice.Path, true);
    }

    /// <summary>Has what is cached computed anew as far as another path needs it; returns the first block that is, the number of blocks where none is.</summary>
    private int RedoFrom(PathId path)
    {
        int blocks = Model.Description.Shape.Blocks;
        int difference = _filled == 0 ? blocks : Model.FirstDifference(_path, path);
        if (difference == blocks)
        {
            return blocks;
        }

        (_redoBlock, _redone, _redoEnd) = (_cache.Geometry.StartAtOrBelow(difference), 0, _filled);
        return _redoBlock;
    }

    private Slice? PlanRun(int rows)
    {
        if (_redone < _redoEnd)
        {
            return As(Work.Redo, SliceOf(_redone, Math.Min(rows, _redoEnd - _redone), LogitRows.None) with { StartBlock = _redoBlock });
        }

        bool scores = Request.PromptLogProbabilities && _filled < Request.Prompt.Length;
        if (IsChoiceDue() || (Request.MaxTokens == 0 && !scores))
        {
            return null;
        }

        int end = _boundary <= _count ? _boundary - 1 : _count;
        int count = Math.Min(rows, end - _filled);
        return count == 0 ? null : As(Work.Fill, SliceOf(_filled, count, scores ? LogitRows.All : _filled + count == _count ? LogitRows.Last : LogitRows.None));
    }

    private Slice SliceOf(int position, int count, LogitRows logits) => new()
    {
        Path = _weights.Path!, Cache = _cache, Position = position, Tokens = _tokens.AsMemory(position, count), Logits = logits,
    };

    /// <summary>
    /// Whether a path is to be chosen now: all tokens before the boundary are known, and those that the path so far still writes or scores are
    /// computed. In a prompt that is not scored, only the last boundary counts.
    /// </summary>
    private bool IsChoiceDue() =>
        _boundary <= _count && (_filled >= _boundary - 1 || (!Request.PromptLogProbabilities && _boundary <= Request.Prompt.Length));

    private int FirstBoundary(int window)
    {
        int first = Model.Description.PrefixTokens + window;
        return Request.PromptLogProbabilities || Request.Prompt.Length < first ? first : first + ((Request.Prompt.Length - first) / window * window);
    }

    private void Write(ReadOnlySpan<float> logits)
    {
        int token = _text.Draw(logits);
        TokenScore score = Request.LogProbabilities ? TokenScore.Of(logits, token, Request.TopLogProbabilities) : new TokenScore(token, null, []);
        if (_text.IsEnd(token))
        {
            Finish(FinishReason.Stop, Request.LogProbabilities ? score : null);
            return;
        }

        _tokens[_count++] = token;
        _handle.Write(_text.Add(score));
        if (_text.Stopped || Written == Request.MaxTokens)
        {
            Finish(_text.Stopped ? FinishReason.Stop : FinishReason.Length);
        }
    }

    private void Finish(FinishReason reason, TokenScore? end = null)
    {
        _stage = Stage.Done;
        _handle.Write(new GenerationEvent.Finished(reason, _text.Finish(), end));
        _handle.Complete();
    }
}
