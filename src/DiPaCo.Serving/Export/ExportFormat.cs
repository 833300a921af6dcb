namespace DiPaCo.Serving.Export;

/// <summary>For which tools a model is exported.</summary>
public enum ExportFormat
{
    /// <summary>One path as a checkpoint folder of Hugging Face's layout.</summary>
    HuggingFace,

    /// <summary>One path as a GGUF file, for llama.cpp and what is built on it.</summary>
    Gguf,

    /// <summary>The whole grid with router and tokenizer, in one folder with a manifest of hashes.</summary>
    DiPaCo,
}
