using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>Loads tokenizers, recognising the format by the content, since a blob has no name.</summary>
public static class TokenizerFile
{
    private const int MaximumBytes = 256 << 20;

    /// <summary>
    /// Loads a Hugging Face <c>tokenizer.json</c> (byte-level BPE), a tiktoken file (base64 and rank on each line) or a SentencePiece model.
    /// </summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="endOfText">The token that begins and ends documents; null for the one that the format or custom names.</param>
    /// <exception cref="DiPaCoException">The file is damaged, of another format, or of a kind that does not give text back exactly.</exception>
    public static TextTokenizer Load(ReadOnlyMemory<byte> file, string name = "the tokenizer", string? endOfText = null)
    {
        if (file.Length is 0 or > MaximumBytes)
        {
            throw new DiPaCoException($"{name} has {file.Length} bytes; a tokenizer has 1 to {MaximumBytes}.");
        }

        ReadOnlySpan<byte> start = file.Span.TrimStart(" \t\r\n\uFEFF"u8);
        return start is [(byte)'{', ..] ? HuggingFaceTokenizerFile.Read(file, name, endOfText)
            : TiktokenFile.Looks(file.Span) ? TiktokenFile.Read(file, name)
            : SentencePieceTokenizer.Read(file, name);
    }
}
