using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Training.Tests.Outer;

public sealed class DeltaAgreementTests
{
    [Fact]
    public void Cosine_IsTheWeightedMeanOverAllPairs() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[2, 6], Gen.Int).Sample((length, paths, seed) =>
        {
            RandomStream random = new(seed, "agreement");
            float[] start = Gaussian(random, length);
            float[] common = Gaussian(random, length);
            float[][] ends = [.. Enumerable.Range(0, paths).Select(_ => Gaussian(random, length).Zip(common, (own, shared) => own + shared).ToArray())];
            double[] weights = [.. Enumerable.Range(0, paths).Select(i => (i + 1.0) / (paths * (paths + 1) / 2))];

            double pairs = 0;
            double products = 0;
            for (int i = 0; i < paths; i++)
            {
                for (int j = 0; j < paths; j++)
                {
                    if (i != j)
                    {
                        double[] a = [.. start.Zip(ends[i], (from, to) => (double)from - to)];
                        double[] b = [.. start.Zip(ends[j], (from, to) => (double)from - to)];
                        products += weights[i] * weights[j] * a.Zip(b, (x, y) => x * y).Sum();
                        pairs += weights[i] * weights[j] * Math.Sqrt(a.Sum(x => x * x)) * Math.Sqrt(b.Sum(x => x * x));
                    }
                }
            }

            OuterStep step = new(length);
            DeltaAgreement agreement = new();
            for (int i = 0; i < paths; i++)
            {
                agreement.Add(weights[i], Math.Sqrt(step.Fold(start, ends[i], weights[i])));
            }

            Assert.Equal(products / pairs, agreement.Cosine(Math.Sqrt(step.GradientSquares(start)))!.Value, 1e-5);
        });

    [Fact]
    public void OnePath_AndPathsThatDidNotMove_HaveNoCosine()
    {
        DeltaAgreement one = new();
        one.Add(1, 3);
        Assert.Null(one.Cosine(3));

        DeltaAgreement still = new();
        still.Add(0.5, 0);
        still.Add(0.5, 0);
        Assert.Null(still.Cosine(0));
    }

    [Fact]
    public void EqualDeltas_HaveACosineOfOne_OpposedOnesOfMinusOne()
    {
        DeltaAgreement equal = new();
        equal.Add(0.25, 2);
        equal.Add(0.75, 2);
        Assert.Equal(1, equal.Cosine(2)!.Value, 1e-12);

        DeltaAgreement opposed = new();
        opposed.Add(0.5, 2);
        opposed.Add(0.5, 2);
        Assert.Equal(-1, opposed.Cosine(0)!.Value, 1e-12);
    }

    private static float[] Gaussian(RandomStream random, int length) => [.. Enumerable.Range(0, length).Select(_ => (float)random.NextGaussian())];
}
