using CsCheck;
using Xunit;

namespace DiPaCo.Runtime.Tests.Results;

/// <summary>Numbers of a router against their definitions.</summary>
public sealed class RouterQualityTests
{
    [Fact]
    public void Entropy_IsTheMeanSurprise_OfADocumentsPath() => Gen.Int[0, 50].Array[1, 40].Where(counts => counts.Sum() > 0).Sample(counts =>
    {
        // One element a document: the surprise of its path is how many bits name it in the best code.
        int[] pathOf = [.. counts.SelectMany((count, path) => Enumerable.Repeat(path, count))];
        double naive = pathOf.Average(path => -Math.Log2(pathOf.Count(other => other == path) / (double)pathOf.Length));

        RouterQuality quality = RouterQuality.Of([.. counts.Select(count => (long)count)], null);

        Assert.Equal(pathOf.Length, quality.Documents);
        Assert.Equal(naive, quality.Entropy, 1e-9);
        Assert.Equal(counts.Length > 1, quality.EntropyShare is not null);
        Assert.Equal(naive / Math.Log2(counts.Length), quality.EntropyShare ?? naive / Math.Log2(counts.Length), 1e-9);
        Assert.Null(quality.OracleAgreement);
    });

    [Fact]
    public void AnEvenSpread_HasLog2OfThePaths_AndOnePathForAllHasNone()
    {
        Assert.Equal(new RouterQuality(20, 2, 1, 0.25), RouterQuality.Of([5, 5, 5, 5], 5));
        Assert.Equal(new RouterQuality(20, 0, 0, 1), RouterQuality.Of([0, 20, 0, 0], 20));
        Assert.Equal(new RouterQuality(20, 1, 0.5, null), RouterQuality.Of([10, 0, 0, 10], null));
    }

    [Fact]
    public void WithoutDocuments_OrWithOnePath_NothingIsNotANumber()
    {
        Assert.Equal(new RouterQuality(0, 0, 0, null), RouterQuality.Of([0, 0], 0));
        Assert.Equal(new RouterQuality(7, 0, null, 1), RouterQuality.Of([7], 7));
    }
}
