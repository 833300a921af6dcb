using CsCheck;
using DiPaCo.Runtime.Tasks;
using Xunit;

namespace DiPaCo.Runtime.Tests.Tasks;

public sealed class DistinctiveTokensTests
{
    [Fact]
    public void Scores_AreLogOddsRatiosOverTheirDeviation() =>
        Gen.Select(Gen.Long[0, 400].Array[6], Gen.Long[1, 4000].Array[6]).Sample((own, rest) =>
        {
            long[] all = [.. own.Zip(rest, (a, b) => a + b)];
            double[] scores = new DistinctiveTokens(all).Score(own);

            double n = all.Sum(), ni = own.Sum(), nj = rest.Sum(), a0 = 5000;
            for (int w = 0; w < 6; w++)
            {
                double alpha = a0 * all[w] / n;
                double delta = Math.Log((own[w] + alpha) / (ni + a0 - own[w] - alpha)) - Math.Log((rest[w] + alpha) / (nj + a0 - rest[w] - alpha));
                double variance = (1 / (own[w] + alpha)) + (1 / (rest[w] + alpha));
                Assert.Equal(delta / Math.Sqrt(variance), scores[w], 1e-9);
            }
        });

    [Fact]
    public void ATokenOfThisShardOnly_BeatsARareOne_AndOneThatIsEverywhereCountsAgainst()
    {
        long[] own = [1000, 100, 2, 0];
        double[] scores = new DistinctiveTokens([10_000, 100, 2, 500]).Score(own);

        Assert.True(scores[1] > scores[2] && scores[2] > 0);
        Assert.True(scores[0] < 0 && scores[3] < 0);
        Assert.Equal(0, new DistinctiveTokens([5, 0]).Score([1, 0])[1]);
    }
}
