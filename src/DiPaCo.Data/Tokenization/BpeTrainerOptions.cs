namespace DiPaCo.Data;

/// <summary>How a tokenizer is trained.</summary>
public sealed record BpeTrainerOptions
{
    /// <summary>The smallest vocabulary: the end of text and the 256 bytes.</summary>
    public const int MinimumVocabularySize = 257;

    /// <summary>
    /// Entries wanted: the end of text (id 0), the 256 bytes (ids 1 … 256), then merges. Default 8,192. Fewer come out where the text
    /// repeats too little: a pair that occurs once is not worth an entry.
    /// </summary>
    public int VocabularySize { get; init; } = 8192;

    /// <summary>
    /// Text beyond this many UTF-8 bytes is sampled: documents are kept by a hash of where they stand, so that the sample has between half of
    /// this and this, and is the same in every run. Default 256 MiB.
    /// </summary>
    public long MaximumSampleBytes { get; init; } = 256L << 20;

    /// <summary>Threads that count words; the result does not depend on it. Default: all cores.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
