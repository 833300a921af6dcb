namespace DiPaCo.Data;

/// <summary>How a corpus becomes chunks of tokens.</summary>
public sealed record CorpusTokenizerOptions
{
    /// <summary>Shares of the splits.</summary>
    public SplitFractions Fractions { get; init; } = new();

    /// <summary>A chunk ends before the document that would carry it beyond this many tokens. Default 16 Mi.</summary>
    public int TokensPerChunk { get; init; } = 16 << 20;

    /// <summary>Threads that tokenize; the chunks do not depend on it. Default: all cores.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;
}
