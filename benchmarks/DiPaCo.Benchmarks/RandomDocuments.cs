using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Benchmarks;

/// <summary>Documents of random tokens and lengths.</summary>
internal static class RandomDocuments
{
    /// <summary>A chunk of training documents.</summary>
    public static TokenChunkBuilder Chunk(int vocabulary, int documents)
    {
        TokenChunkBuilder chunk = new(vocabulary);
        RandomStream random = new(1, "benchmark-documents");
        for (int document = 0; document < documents; document++)
        {
            int[] tokens = [.. Enumerable.Range(0, 40 + random.NextInt32(1500)).Select(_ => random.NextInt32(vocabulary))];
            chunk.Add((ulong)document, "benchmark", Split.Train, tokens, tokens.Length);
        }

        return chunk;
    }
}
