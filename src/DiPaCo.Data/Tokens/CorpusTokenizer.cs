using System.Runtime.CompilerServices;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// Turns documents into chunks of tokens: each document is the end-of-text token, its tokens, and the end-of-text token again.
/// Documents are tokenized in parallel and put down in order, so the chunks do not depend on the number of threads.
/// </summary>
public sealed class CorpusTokenizer(TextTokenizer tokenizer, CorpusTokenizerOptions options)
{
    private const int LeastBatchCharacters = 1 << 20;
    private const int BatchCharactersOfThread = 1 << 17;

    /// <summary>
    /// Tokenizes everything, yielding each chunk when it is full; reading goes on while a batch is tokenized. At most two batches
    /// of about 1 Mi characters (more where there are more than 8 threads) and one chunk are in memory.
    /// </summary>
    /// <exception cref="DiPaCoException">The tokenizer refuses a document, which is named.</exception>
    public async IAsyncEnumerable<TokenChunkBuilder> TokenizeAsync(
        IAsyncEnumerable<Document> documents, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        options.Fractions.Validate();
        var chunk = new TokenChunkBuilder(tokenizer.VocabularySize);
        await using IAsyncEnumerator<Document> reader = documents.GetAsyncEnumerator(cancellationToken);
        Task<List<Document>> reading = NextBatchAsync(reader);
        try
        {
            while (await reading is { Count: > 0 } batch)
            {
                // Off this thread, so that reading and tokenizing overlap even where reading never waits.
                reading = Task.Run(() => NextBatchAsync(reader), cancellationToken);
                TokenizedDocument[] tokenized = Tokenize(batch, cancellationToken);
                foreach (TokenizedDocument document in tokenized)
                {
                    if (chunk.DocumentCount > 0 && chunk.TokenCount + document.Tokens.Length > options.TokensPerChunk)
                    {
                        yield return chunk;
                        chunk = new TokenChunkBuilder(tokenizer.VocabularySize);
                    }

                    chunk.Add(document.OriginHash, document.Source, options.Fractions.Of(document.OriginHash), document.Tokens, document.ByteCount);
                }
            }
        }
        finally
        {
            // The enumerator must not be disposed under the reader; its failure has been or will be seen by whoever awaits it above.
            await Task.WhenAny(reading);
        }

        if (chunk.DocumentCount > 0)
        {
            yield return chunk;
        }
    }

    private async Task<List<Document>> NextBatchAsync(IAsyncEnumerator<Document> reader)
    {
        int most = Math.Max(LeastBatchCharacters, options.Threads * BatchCharactersOfThread);
        var batch = new List<Document>();
        int characters = 0;
        while (characters < most && await reader.MoveNextAsync())
        {
            batch.Add(reader.Current);
            characters += reader.Current.Text.Length;
        }

        return batch;
    }

    private TokenizedDocument[] Tokenize(List<Document> batch, CancellationToken cancellationToken)
    {
        var tokenized = new TokenizedDocument[batch.Count];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.Threads, CancellationToken = cancellationToken };
        try
        {
            Parallel.For(0, batch.Count, parallel, i => tokenized[i] = Tokenize(batch[i]));
        }
        catch (AggregateException failures) when (failures.InnerExceptions.OfType<DiPaCoException>().FirstOrDefault() is { } failure)
        {
            throw new DiPaCoException(failure.Message, failure);
        }

        return tokenized;
    }

    private TokenizedDocument Tokenize(Document document)
    {
        var tokens = new List<int>((document.Text.Length / 3) + 8) { tokenizer.EndOfText };
        try
        {
            tokenizer.Encode(document.Text, tokens);
        }
        catch (DiPaCoException failure)
        {
            throw new DiPaCoException($"The document {document.Location} cannot be tokenized: {failure.Message}", failure);
        }

        tokens.Add(tokenizer.EndOfText);
        return new TokenizedDocument(DocumentOrigin.Hash(document.Origin), document.Source, [.. tokens], TextTokenizer.CountBytes(document.Text));
    }

    private sealed record TokenizedDocument(ulong OriginHash, string Source, int[] Tokens, int ByteCount);
}
