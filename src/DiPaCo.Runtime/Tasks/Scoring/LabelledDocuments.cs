using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Documents twice, with the same ids and lengths: as text, and with each token replaced by its label. Batches of both in the same order
/// are the inputs and the targets of a classifier of tokens.
/// </summary>
internal sealed class LabelledDocuments : IDisposable
{
    private LabelledDocuments(TokenCorpus text, TokenCorpus labels) => (Text, Labels) = (text, labels);

    public TokenCorpus Text { get; }

    public TokenCorpus Labels { get; }

    /// <summary>The documents of a loss matrix, labelled by their best paths.</summary>
    /// <param name="corpus">The corpus that was scored; not owned.</param>
    /// <param name="losses">Losses of single tokens.</param>
    /// <param name="horizon">Tokens that decide; 0: to the end of the document.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DiPaCoException">The matrix is of another corpus or of larger cells, or has no document.</exception>
    public static async Task<LabelledDocuments> OfAsync(TokenCorpus corpus, LossMatrix losses, int horizon, CancellationToken cancellationToken)
    {
        if (losses.Cell != 1 || losses.Documents.IsEmpty)
        {
            throw new DiPaCoException(
                $"The token router needs the losses of single tokens of documents kept for routers; found {losses.Documents.Length} documents in cells of {losses.Cell}. "
                + "Keep more documents (data.router_share), or give longer ones.");
        }

        TokenChunkBuilder text = new(corpus.VocabularySize);
        TokenChunkBuilder labels = new(losses.Paths.Length);
        for (int d = 0; d < losses.Documents.Length; d++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ScoredDocument document = losses.Documents[d];
            losses.ThrowUnlessOf(corpus, d);
            DocumentEntry entry = corpus[document.Id];
            int[] tokens = new int[entry.TokenCount];
            corpus.CopyTokens(document.Id, 0, tokens);
            text.Add(entry.OriginHash, "", Split.Router, tokens, entry.ByteCount);

            // The prefix has no label, and is no target.
            int[] best = BestPaths.Of(losses, d, horizon);
            labels.Add(entry.OriginHash, "", Split.Router, [.. new int[tokens.Length - best.Length], .. best], entry.ByteCount);
        }

        return new LabelledDocuments(await CorpusAsync(text, cancellationToken), await CorpusAsync(labels, cancellationToken));
    }

    public void Dispose()
    {
        Text.Dispose();
        Labels.Dispose();
    }

    private static async Task<TokenCorpus> CorpusAsync(TokenChunkBuilder chunk, CancellationToken cancellationToken)
    {
        using MemoryStream file = new();
        await chunk.WriteToAsync(file, cancellationToken);
        return new TokenCorpus([TokenChunk.Load(file.ToArray())]);
    }
}
