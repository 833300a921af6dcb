namespace DiPaCo.Data.Tests;

/// <summary>Chunks and corpora made of given token counts: document i has tokens that tell where they stand.</summary>
public static class Chunks
{
    public const int Vocabulary = 50_000;

    public static async Task<byte[]> BytesAsync(TokenChunkBuilder builder)
    {
        var stream = new MemoryStream();
        await builder.WriteToAsync(stream, CancellationToken.None);
        return stream.ToArray();
    }

    /// <summary>Token j of document i is 1000 i + j.</summary>
    public static async Task<TokenCorpus> CorpusAsync(params int[] tokenCounts)
    {
        var builder = new TokenChunkBuilder(Vocabulary);
        for (int i = 0; i < tokenCounts.Length; i++)
        {
            builder.Add((ulong)i, $"source{i % 3}", Split.Train, [.. Enumerable.Range(1000 * i, tokenCounts[i])], tokenCounts[i]);
        }

        return new TokenCorpus([TokenChunk.Load(await BytesAsync(builder))]);
    }
}
