namespace DiPaCo.Data.Tests;

public static class Documents
{
    public static async Task<List<Document>> ReadAsync(CorpusOptions options, CorpusReport? report = null)
    {
        var documents = new List<Document>();
        await foreach (Document document in Data.Corpus.Open(options).ReadAsync(report ?? new CorpusReport(), CancellationToken.None))
        {
            documents.Add(document);
        }

        return documents;
    }

    public static Task<List<Document>> ReadAsync(params string[] paths) => ReadAsync(new CorpusOptions { Paths = paths });

    public static async IAsyncEnumerable<Document> Of(IEnumerable<string> texts)
    {
        int index = 0;
        foreach (string text in texts)
        {
            yield return new Document(text, $"origin{index}", "test", $"here:{index}");
            index++;
        }

        await Task.CompletedTask;
    }

    public static Task<TextTokenizer> TrainAsync(int vocabularySize, params string[] texts) =>
        new BpeTrainer(new BpeTrainerOptions { VocabularySize = vocabularySize, Threads = 2 }).TrainAsync(Of(texts), CancellationToken.None);
}
