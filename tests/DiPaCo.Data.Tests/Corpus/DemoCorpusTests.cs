using Xunit;

namespace DiPaCo.Data.Tests;

public sealed class DemoCorpusTests
{
    [Fact]
    public async Task SdkDocumentation_IsOneReadableDocumentPerType()
    {
        var report = new CorpusReport();
        List<Document> documents = [];
        await foreach (Document document in DemoCorpus.Open().ReadAsync(report, CancellationToken.None))
        {
            documents.Add(document);
        }

        Assert.True(documents.Count > 2000);
        Assert.Equal(documents.Count, documents.Select(document => document.Origin).Distinct().Count());
        Document enumerable = Assert.Single(documents, document => document.Origin == "System.Linq.Enumerable");
        Assert.Equal("System.Linq", enumerable.Source);
        Assert.StartsWith("Type Enumerable in namespace System.Linq.\nProvides a set of static", enumerable.Text);
        Assert.Contains("\nMethod Aggregate(IEnumerable<", enumerable.Text);
        Assert.DoesNotContain("<see", string.Concat(documents.Select(document => document.Text)));
        Assert.True(documents.Select(document => document.Source).Distinct().Count() > 20);
    }

    [Theory]
    [InlineData("M:System.String.Join(System.Char,System.String[])", "System.String", "Join(Char, String[])")]
    [InlineData("M:System.Linq.Enumerable.Any``1(System.Collections.Generic.IEnumerable{``0})", "System.Linq.Enumerable", "Any(IEnumerable<>)")]
    [InlineData("M:System.Uri.#ctor(System.String)", "System.Uri", "new(String)")]
    [InlineData("P:System.Collections.Generic.List`1.Item(System.Int32)", "System.Collections.Generic.List`1", "Item(Int32)")]
    public void MemberNames_BecomeReadable(string name, string type, string signature)
    {
        ApiName parsed = ApiName.Parse(name)!;

        Assert.Equal((type, signature), (parsed.Type, parsed.Signature));
    }
}
