using System.Collections.Immutable;
using CsCheck;
using DiPaCo.Core;
using DiPaCo.Serving.Sampling;
using Xunit;

namespace DiPaCo.Serving.Tests.Sampling;

public sealed class TokenSamplerTests
{
    private static readonly Gen<float[]> Logits = Gen.Int[-40, 40].Select(value => value / 4f).Array[1, 60];

    private static readonly Gen<SamplingOptions> Options =
        from temperature in Gen.OneOf(Gen.Const(0.0), Gen.Double[0.05, 3])
        from topP in Gen.OneOf(Gen.Const(1.0), Gen.Double[0, 1])
        from topK in Gen.OneOf(Gen.Const(0), Gen.Int[1, 20])
        from minP in Gen.OneOf(Gen.Const(0.0), Gen.Double[0, 1])
        from repetition in Gen.OneOf(Gen.Const(1.0), Gen.Double[0.5, 3])
        from frequency in Gen.OneOf(Gen.Const(0.0), Gen.Double[-2, 2])
        from presence in Gen.OneOf(Gen.Const(0.0), Gen.Double[-2, 2])
        from bias in Gen.Int[0, 59]
        from seed in Gen.Long
        select new SamplingOptions
        {
            Temperature = temperature, TopP = topP, TopK = topK, MinP = minP, RepetitionPenalty = repetition, FrequencyPenalty = frequency, PresencePenalty = presence,
            LogitBias = bias % 3 == 0 ? ImmutableSortedDictionary<int, double>.Empty.Add(0, bias / 10.0) : ImmutableSortedDictionary<int, double>.Empty, Seed = seed,
        };

    [Fact]
    public void EveryDrawIsTheNaiveOne() => Check.Sample(
        from logits in Logits
        from options in Options
        from prompt in Gen.Int[0, logits.Length - 1].Array[0, 5]
        select (logits, options, prompt),
        given =>
        {
            TokenSampler sampler = new(given.options, given.logits.Length, given.prompt, stream: 3);
            RandomStream random = new(given.options.Seed, "serve", 3);
            List<int> written = [];
            for (int draw = 0; draw < 6; draw++)
            {
                int token = sampler.Next(given.logits);
                Assert.Equal(Naive(given.logits, given.options, given.prompt, written, random), token);
                written.Add(token);
            }
        },
        iter: 2_000);

    [Fact]
    public void DrawsFollowTheProbabilities()
    {
        float[] logits = [0, 1, 2, -1];
        int[] counts = new int[4];
        TokenSampler sampler = new(new SamplingOptions { Seed = 4 }, 4, []);
        for (int i = 0; i < 20_000; i++)
        {
            counts[sampler.Next(logits)]++;
        }

        double sum = logits.Sum(logit => Math.Exp(logit));
        for (int token = 0; token < 4; token++)
        {
            Assert.Equal(Math.Exp(logits[token]) / sum, counts[token] / 20_000.0, 0.012);
        }
    }

    [Fact]
    public void ALargeVocabularyIsFilteredAsASmallOneIs()
    {
        RandomStream noise = new(1, "logits");
        float[] logits = [.. Enumerable.Range(0, 20_000).Select(_ => (float)(2 * noise.NextGaussian()))];
        foreach ((double topP, int topK, double minP) in (ReadOnlySpan<(double, int, double)>)[(0.9, 0, 0), (1, 40, 0), (0.5, 1000, 0), (1, 0, 0.05), (0.999999, 0, 0), (0.7, 0, 1e-9)])
        {
            SamplingOptions options = new() { TopP = topP, TopK = topK, MinP = minP, Seed = 8 };
            TokenSampler sampler = new(options, logits.Length, []);
            RandomStream random = new(8, "serve", 0);
            List<int> written = [];
            for (int draw = 0; draw < 3; draw++)
            {
                int token = sampler.Next(logits);
                Assert.Equal(Naive(logits, options, [], written, random), token);
                written.Add(token);
            }
        }
    }

    [Fact]
    public void LogitsThatAreNoNumbersAreNeverDrawn()
    {
        TokenSampler sampler = new(new SamplingOptions { TopP = 0.9 }, 4, []);
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(2, sampler.Next([float.NaN, float.NegativeInfinity, 1, float.NaN]));
        }

        Assert.Equal(0, sampler.Next([float.NaN, float.NaN, float.NaN, float.NaN]));
    }

    [Fact]
    public void ScoresAreLogarithmsOfProbabilities() => Check.Sample(Logits, logits =>
    {
        double[] exact = [.. logits.Select(logit => Math.Exp(logit))];
        for (int token = 0; token < logits.Length; token++)
        {
            TokenScore score = TokenScore.Of(logits, token, 5);
            Assert.Equal(Math.Log(exact[token] / exact.Sum()), score.LogProbability!.Value, 1e-9);
            Assert.Equal(
                Enumerable.Range(0, logits.Length).OrderByDescending(other => logits[other]).ThenBy(other => other).Take(5),
                score.Top.Select(top => top.Token));
        }
    }, iter: 200);

    /// <summary>The documented order, with sorted lists and no shortcut.</summary>
    private static int Naive(float[] logits, SamplingOptions options, int[] prompt, List<int> written, RandomStream random)
    {
        double[] adjusted = [.. logits.Select(logit => (double)logit)];
        foreach ((int token, double bias) in options.LogitBias)
        {
            adjusted[token] += bias;
        }

        foreach (int token in prompt.Concat(written).Distinct())
        {
            adjusted[token] = adjusted[token] > 0 ? adjusted[token] / options.RepetitionPenalty : adjusted[token] * options.RepetitionPenalty;
        }

        foreach (int token in written.Distinct())
        {
            adjusted[token] -= (written.Count(other => other == token) * options.FrequencyPenalty) + options.PresencePenalty;
        }

        int best = Enumerable.Range(0, adjusted.Length).First(token => adjusted[token] == adjusted.Max());
        if (options.Temperature == 0)
        {
            return best;
        }

        double[] weights = [.. adjusted.Select(logit => Math.Exp((logit - adjusted.Max()) / options.Temperature))];
        double point = random.NextDouble();
        List<int> order = [.. Enumerable.Range(0, weights.Length)];
        if (options is not { TopK: 0, TopP: >= 1, MinP: 0 })
        {
            order = [.. order.OrderByDescending(token => weights[token]).ThenBy(token => token)];
            order = [.. order.Take(options.TopK == 0 ? order.Count : options.TopK)];
            double all = options.TopK == 0 ? weights.Sum() : order.Sum(token => weights[token]);
            int count = 0;
            double sum = 0;
            while (count < order.Count && (count == 0 || (sum < options.TopP * all && weights[order[count]] >= options.MinP)))
            {
                sum += weights[order[count++]];
            }

            order = order[..count];
        }

        double total = 0;
        foreach (int token in order)
        {
            total += weights[token];
        }

        double rest = point * total;
        foreach (int token in order)
        {
            rest -= weights[token];
            if (rest < 0)
            {
                return token;
            }
        }

        return order.Last(token => weights[token] > 0);
    }
}
