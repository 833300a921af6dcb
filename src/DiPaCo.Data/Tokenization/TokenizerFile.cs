using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>Loads tokenizers, recognising the format by the content, since a blob has no name.</summary>
public static class TokenizerFile
{
    /// <summary>Largest file that is read.</summary>
    public const int MaximumBytes = 256 << 20;

    /// <summary>Reads a file that the user names, and checks that it is a tokenizer.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>Its bytes, and the tokenizer that they are.</returns>
    /// <exception cref="DiPaCoException">There is no such file, it cannot be read, or <see cref="Load"/> refuses it.</exception>
    public static async Task<(byte[] File, TextTokenizer Tokenizer)> ReadAsync(string path, CancellationToken cancellationToken)
    {
        const string Expected = "Expected a tokenizer.json, a .tiktoken or a SentencePiece .model file";
        if (Directory.Exists(path))
        {
            throw new DiPaCoException($"The tokenizer '{path}' (tokenizer.file) is a folder. {Expected}; name the file in it.");
        }

        FileInfo info = new(path);
        if (!info.Exists)
        {
            throw new DiPaCoException($"The tokenizer '{path}' (tokenizer.file) does not exist. {Expected}; without the key, one is trained.");
        }

        try
        {
            if (info.Length > MaximumBytes)
            {
                throw new DiPaCoException($"The tokenizer '{path}' (tokenizer.file) has {info.Length} bytes; a tokenizer has at most {MaximumBytes}.");
            }

            byte[] file = await File.ReadAllBytesAsync(path, cancellationToken);
            return (file, Load(file, path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DiPaCoException($"The tokenizer '{path}' (tokenizer.file) cannot be read: {failure.Message.TrimEnd('.')}. Change its permissions, or name another file.", failure);
        }
    }

    /// <summary>
    /// Loads a Hugging Face <c>tokenizer.json</c> (byte-level BPE), a tiktoken file (base64 and rank on each line) or a SentencePiece model.
    /// </summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="DiPaCoException">The file is damaged, of another format, or of a kind that does not give text back exactly.</exception>
    public static TextTokenizer Load(ReadOnlyMemory<byte> file, string name = "the tokenizer")
    {
        if (file.Length is 0 or > MaximumBytes)
        {
            throw new DiPaCoException($"{name} has {file.Length} bytes; a tokenizer has 1 to {MaximumBytes}.");
        }

        return KindOf(file.Span) switch
        {
            TokenizerKind.HuggingFace => HuggingFaceTokenizerFile.Read(file, name),
            TokenizerKind.Tiktoken => TiktokenFile.Read(file, name),
            _ => SentencePieceTokenizer.Read(file, name),
        };
    }

    /// <summary>The name under which other programs look for a tokenizer of that kind.</summary>
    public static string NameOf(TokenizerKind kind) => kind switch
    {
        TokenizerKind.HuggingFace => "tokenizer.json",
        TokenizerKind.Tiktoken => "tokenizer.tiktoken",
        _ => "tokenizer.model",
    };

    /// <summary>What a file looks like; whether it is one, only <see cref="Load"/> says.</summary>
    /// <param name="file">The file's bytes.</param>
    public static TokenizerKind KindOf(ReadOnlySpan<byte> file) =>
        file.TrimStart(" \t\r\n\uFEFF"u8) is [(byte)'{', ..] ? TokenizerKind.HuggingFace
        : TiktokenFile.Looks(file) ? TokenizerKind.Tiktoken
        : TokenizerKind.SentencePiece;
}
