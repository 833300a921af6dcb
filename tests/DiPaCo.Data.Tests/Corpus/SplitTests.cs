using System.Globalization;
using CsCheck;
using DiPaCo.Core;
using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class SplitTests
{
    private static readonly SplitFractions Fractions = new(Validation: 0.1, Test: 0.05, Router: 0.02);

    [Theory]
    // SHA-256("https://example.org/a") begins with these bytes: the split of an origin is frozen.
    [InlineData("", 0xe3b0c44298fc1c14UL)]
    [InlineData("abc", 0xba7816bf8f01cfeaUL)]
    public void OriginHash_IsTheBeginningOfItsSha256(string origin, ulong expected) => Assert.Equal(expected, DocumentOrigin.Hash(origin));

    [Fact]
    public void Shares_AreMet()
    {
        Dictionary<Split, int> counts = Enumerable.Range(0, 100_000)
            .Select(i => Fractions.Of(DocumentOrigin.Hash("origin " + i.ToString(CultureInfo.InvariantCulture))))
            .GroupBy(split => split).ToDictionary(group => group.Key, group => group.Count());

        foreach (Split split in Enum.GetValues<Split>())
        {
            Assert.InRange(counts[split] / 100_000.0, Fractions[split] - 0.005, Fractions[split] + 0.005);
        }
    }

    [Fact]
    public void PartsOfOneOriginal_NeverStraddle() => Gen.String.Sample(url =>
    {
        string plain = url.Replace("#", "", StringComparison.Ordinal) + "x";
        string first = DocumentOrigin.Of(plain + "#1", () => "file:1");
        string second = DocumentOrigin.Of(plain + "#part/2#3", () => "file:2");
        Assert.Equal(plain, first);
        Assert.Equal(Fractions.Of(DocumentOrigin.Hash(first)), Fractions.Of(DocumentOrigin.Hash(second)));
    });

    [Fact]
    public void ImpossibleShares_AreRefused()
    {
        Assert.Throws<DiPaCoException>(() => new SplitFractions(-0.1).Validate());
        Assert.Throws<DiPaCoException>(() => new SplitFractions(0.5, 0.4, 0.1).Validate());
        Assert.Throws<DiPaCoException>(() => new SplitFractions(double.NaN).Validate());
    }

    [Fact]
    public void StoredNumbers_NeverChange() => Assert.Equal(
        "Train=0 Validation=1 Test=2 Router=3", string.Join(' ', Enum.GetValues<Split>().Select(split => $"{split}={(int)split}")));
}
