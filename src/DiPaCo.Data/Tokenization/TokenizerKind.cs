namespace DiPaCo.Data;

/// <summary>The formats of tokenizers, told apart by their content.</summary>
public enum TokenizerKind
{
    /// <summary>Hugging Face's <c>tokenizer.json</c>; what a run trains is one.</summary>
    HuggingFace,

    /// <summary>A token in base64 and its rank on each line.</summary>
    Tiktoken,

    /// <summary>A SentencePiece model.</summary>
    SentencePiece,
}
