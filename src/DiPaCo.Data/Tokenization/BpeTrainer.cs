using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// Trains byte-level BPE: count the words of the text, then merge the most frequent pair of tokens, again and again.
/// The result is a function of the documents and the options, whatever the number of threads.
/// </summary>
public sealed class BpeTrainer
{
    private readonly BpeTrainerOptions _options;

    /// <summary>Creates a trainer.</summary>
    /// <exception cref="DiPaCoException">The vocabulary is too small to hold all bytes.</exception>
    public BpeTrainer(BpeTrainerOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Threads);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.MaximumSampleBytes);
        if (options.VocabularySize is < BpeTrainerOptions.MinimumVocabularySize or > 1 << 20)
        {
            throw new DiPaCoException(
                $"A tokenizer cannot have {options.VocabularySize} entries: at least {BpeTrainerOptions.MinimumVocabularySize} (256 bytes and the end of text), at most {1 << 20}.");
        }

        _options = options;
    }

    /// <summary>Trains on these documents (the training split, usually: see <see cref="DocumentFilter.InSplit"/>).</summary>
    /// <returns>The tokenizer; its <see cref="TextTokenizer.File"/> is a Hugging Face <c>tokenizer.json</c>.</returns>
    /// <exception cref="DiPaCoException">There is no text.</exception>
    public async Task<TextTokenizer> TrainAsync(IAsyncEnumerable<Document> documents, CancellationToken cancellationToken)
    {
        IReadOnlyList<WordCount> words = await new WordCounter(_options).CountAsync(documents, cancellationToken);
        if (words.Count == 0)
        {
            throw new DiPaCoException("There is no text to train a tokenizer on: the training split of the corpus is empty.");
        }

        IReadOnlyList<(int Left, int Right)> merges = PairMerger.Merge(words, _options.VocabularySize, cancellationToken);
        byte[] file = HuggingFaceTokenizerWriter.Write(TokensOf(merges), merges);
        return TokenizerFile.Load(file);
    }

    /// <summary>Id 0 is the end of text, byte b is 1 + b, merge i is 257 + i.</summary>
    private static List<byte[]?> TokensOf(IReadOnlyList<(int Left, int Right)> merges)
    {
        List<byte[]?> tokens = [null, .. Enumerable.Range(0, 256).Select(value => new[] { (byte)value })];
        foreach ((int left, int right) in merges)
        {
            tokens.Add([.. tokens[left]!, .. tokens[right]!]);
        }

        return tokens;
    }
}
