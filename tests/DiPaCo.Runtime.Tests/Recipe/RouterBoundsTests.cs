using CsCheck;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Runtime.Tests.Tasks;
using Xunit;

namespace DiPaCo.Runtime.Tests.Recipe;

/// <summary>What the best and the blindest router of documents would do with the same paths.</summary>
public sealed class RouterBoundsTests
{
    private static Gen<LossMatrix> Matrices { get; } =
        from seed in Gen.Long
        from paths in Gen.Int[1, 5]
        from cell in Gen.Int[0, 17]
        from tokens in Gen.Int[1, 60].Array[1, 8]
        select LossMatrices.Random(seed, paths, cell, tokens);

    [Fact]
    public void TheOracle_TakesTheBestPathOfEveryDocument_AndTheRandomRouterTheMean() => Matrices.Sample(losses =>
    {
        double best = 0;
        double mean = 0;
        double meanPrefix = 0;
        for (int d = 0; d < losses.Documents.Length; d++)
        {
            double[] sums = [.. Enumerable.Range(0, losses.Paths.Length).Select(path =>
                Enumerable.Range(0, losses.CellCount).Take(losses.CellsOf(d)).Sum(cell => (double)losses.LossesOf(cell)[path]))];
            best += sums.Min();
            mean += sums.Average();
            meanPrefix += losses.PrefixOf(d).ToArray().Average(loss => (double)loss);
        }

        EvaluationMetrics oracle = RouterBounds.Oracle(losses);
        EvaluationMetrics random = RouterBounds.Random(losses);
        Assert.Equal(best, oracle.Loss, 1e-9);
        Assert.Equal(mean, random.Loss, 1e-9);
        Assert.Equal(meanPrefix, random.PrefixLoss, 1e-9);
        Assert.Equal((oracle.Documents, oracle.Tokens, oracle.Bytes), (random.Documents, random.Tokens, random.Bytes));
    });

    [Fact]
    public void ARouterAgreesWithTheOracle_WhereNoOtherPathIsBetter_AndNoEarlierOneAsGood() => Gen.Select(Matrices, Gen.Int[0, 100]).Sample((losses, salt) =>
    {
        int[] columns = [.. Enumerable.Range(0, losses.Documents.Length).Select(document => (document + salt) % losses.Paths.Length)];
        int naive = 0;
        for (int d = 0; d < columns.Length; d++)
        {
            double[] sums = [.. Enumerable.Range(0, losses.Paths.Length).Select(path =>
                Enumerable.Range(0, losses.CellCount).Take(losses.CellsOf(d)).Sum(cell => (double)losses.LossesOf(cell)[path]))];
            naive += sums.Take(columns[d]).All(other => other > sums[columns[d]]) && sums.Skip(columns[d] + 1).All(other => other >= sums[columns[d]]) ? 1 : 0;
        }

        Assert.Equal(naive, RouterBounds.Agreements(losses, columns));
    });

    [Fact]
    public void NoRouterOfDocuments_IsBetterThanTheOracle() => Gen.Select(Matrices, Gen.Int[0, 100]).Sample((losses, salt) =>
        RouterBounds.Oracle(losses).Loss <= RouterBounds.Routed(losses, (document, _) => (document + salt) % losses.Paths.Length).Loss);

    [Fact]
    public void AConstantRouter_IsOnePath()
    {
        LossMatrix losses = LossMatrices.Random(1, paths: 3, cell: 0, 5, 20, 9);

        EvaluationMetrics constant = RouterBounds.Routed(losses, (_, _) => 1);

        Assert.Equal(Enumerable.Range(0, 3).Sum(cell => (double)losses.LossesOf(cell)[1]), constant.Loss);
        Assert.Equal((3, 34, 21, 102), (constant.Documents, constant.Tokens, constant.PrefixTokens, constant.Bytes));
    }
}
