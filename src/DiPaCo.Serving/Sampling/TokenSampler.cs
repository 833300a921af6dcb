using DiPaCo.Core;

namespace DiPaCo.Serving.Sampling;

/// <summary>
/// Draws the tokens of one sequence. In this order: bias, repetition penalty, frequency and presence penalty, temperature, then the
/// filters top-k, top-p and min-p, each on what the one before left. Among equal logits the lower token comes first. A draw takes one number of the
/// sequence's own stream, so nothing depends on other sequences.
/// </summary>
internal sealed class TokenSampler
{
    private readonly SamplingOptions _options;
    private readonly RandomStream _random;
    private readonly Dictionary<int, int> _written = [];
    private readonly HashSet<int> _seen = [];
    private readonly double[] _logits;
    private readonly List<int> _candidates = [];

    /// <summary>Begins a sequence.</summary>
    /// <param name="options">How.</param>
    /// <param name="vocabulary">V.</param>
    /// <param name="prompt">Tokens before the first draw.</param>
    /// <param name="stream">Number of the sequence among those of one request.</param>
    public TokenSampler(SamplingOptions options, int vocabulary, ReadOnlySpan<int> prompt, long stream = 0)
    {
        _options = options;
        _random = new RandomStream(options.Seed, "serve", stream);
        _logits = new double[vocabulary];
        foreach (int token in prompt)
        {
            _seen.Add(token);
        }
    }

    /// <summary>Draws a token and remembers it.</summary>
    /// <param name="logits">[V]; not changed.</param>
    public int Next(ReadOnlySpan<float> logits)
    {
        Adjust(logits);
        int token = _options.Temperature == 0 ? Likeliest() : Draw();
        _seen.Add(token);
        _written[token] = _written.GetValueOrDefault(token) + 1;
        return token;
    }

    private void Adjust(ReadOnlySpan<float> logits)
    {
        for (int token = 0; token < logits.Length; token++)
        {
            _logits[token] = float.IsNaN(logits[token]) ? double.NegativeInfinity : Math.Min(logits[token], float.MaxValue);
        }

        foreach ((int token, double bias) in _options.LogitBias)
        {
            _logits[token] += bias;
        }

        if (_options.RepetitionPenalty != 1)
        {
            foreach (int token in _seen)
            {
                _logits[token] = _logits[token] > 0 ? _logits[token] / _options.RepetitionPenalty : _logits[token] * _options.RepetitionPenalty;
            }
        }

        if (_options.FrequencyPenalty != 0 || _options.PresencePenalty != 0)
        {
            foreach ((int token, int times) in _written)
            {
                _logits[token] -= (times * _options.FrequencyPenalty) + _options.PresencePenalty;
            }
        }
    }

    private int Likeliest()
    {
        int best = 0;
        for (int token = 1; token < _logits.Length; token++)
        {
            best = _logits[token] > _logits[best] ? token : best;
        }

        return best;
    }

    private int Draw()
    {
        double highest = _logits[Likeliest()];
        if (double.IsNegativeInfinity(highest))
        {
            return 0;
        }

        double total = 0;
        for (int token = 0; token < _logits.Length; token++)
        {
            _logits[token] = Math.Exp((_logits[token] - highest) / _options.Temperature);
            total += _logits[token];
        }

        double point = _random.NextDouble();
        if (_options is { TopK: 0, TopP: >= 1, MinP: 0 })
        {
            return Walk(Enumerable.Range(0, _logits.Length), point * total);
        }

        (int count, double kept) = Filter(total);
        return Walk(_candidates.Take(count), point * kept);
    }

    /// <summary>The candidates in order, so that the filters leave the first ones; returns how many, and their weight.</summary>
    private (int Count, double Weight) Filter(double total)
    {
        int most = _options.TopK == 0 ? _logits.Length : Math.Min(_options.TopK, _logits.Length);

        // Sorting a whole vocabulary is dear: usually the filters leave tokens that a threshold finds.
        foreach (double threshold in (ReadOnlySpan<double>)[1e-2, 1e-4, 1e-7, 0])
        {
            _candidates.Clear();
            for (int token = 0; token < _logits.Length; token++)
            {
                if (_logits[token] >= threshold)
                {
                    _candidates.Add(token);
                }
            }

            _candidates.Sort((a, b) => _logits[b] != _logits[a] ? _logits[b].CompareTo(_logits[a]) : a.CompareTo(b));
            bool all = _candidates.Count == _logits.Length;
            if (_candidates.Count < most && _options.TopK != 0 && !all)
            {
                continue;
            }

            double within = _options.TopK == 0 ? total : _candidates.Take(most).Sum(token => _logits[token]);
            int count = 0;
            double weight = 0;
            while (count < Math.Min(most, _candidates.Count) && (count == 0 || (weight < _options.TopP * within && _logits[_candidates[count]] >= _options.MinP)))
            {
                weight += _logits[_candidates[count++]];
            }

            bool ended = count < Math.Min(most, _candidates.Count) || count == most || weight >= _options.TopP * within;
            if (ended || all || (_options.MinP > 0 && threshold <= _options.MinP))
            {
                return (count, weight);
            }
        }

        throw new InvalidOperationException("No token was left to draw from.");
    }

    private int Walk(IEnumerable<int> tokens, double rest)
    {
        int last = 0;
        foreach (int token in tokens)
        {
            if (_logits[token] > 0)
            {
                last = token;
                rest -= _logits[token];
                if (rest < 0)
                {
                    break;
                }
            }
        }

        return last;
    }
}
