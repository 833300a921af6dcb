using System.Text.Json.Serialization;

namespace DiPaCo.Core.Configuration;

/// <summary>The tokenizer: trained on the corpus, or loaded from a file.</summary>
public sealed record TokenizerOptions
{
    /// <summary>A <c>tokenizer.json</c>, <c>.tiktoken</c> or SentencePiece <c>.model</c> file; null trains a byte-level BPE on the training split.</summary>
    public string? File { get; init; }

    /// <summary>
    /// A chat template (<c>*.jinja</c>), or a <c>tokenizer_config.json</c> that has one; null looks beside the tokenizer's file and in the folder of the
    /// checkpoint that the run starts from. It reaches no weight, and a configuration without it is written as before there was the key.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? ChatTemplate { get; init; }

    /// <summary>Entries of a trained vocabulary, special token included: at least 257.</summary>
    public int Vocabulary { get; init; } = 8192;

    /// <summary>Bytes of text that a trained tokenizer learns from at most; a fixed sample of the documents beyond that.</summary>
    public long TrainingBytes { get; init; } = 100_000_000;
}
