using System.Text;

namespace DiPaCo.Data;

/// <summary>
/// Text to tokens and back. Decoding what was encoded gives the text again, for every text of whole Unicode characters;
/// half a surrogate pair, which no UTF-8 file can hold, becomes U+FFFD. Special tokens are never recognised inside text:
/// <c>&lt;|endoftext|&gt;</c> written in a document is encoded as its letters. Safe for use by several threads at once.
/// </summary>
public abstract class TextTokenizer
{
    /// <summary>How many token ids there are; ids are 0 … this − 1.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The token that begins and ends every document.</summary>
    public abstract int EndOfText { get; }

    /// <summary>The tokens that text never becomes, by the texts that name them in chat templates.</summary>
    public virtual IReadOnlyList<SpecialToken> SpecialTokens => [];

    /// <summary>Appends the tokens of <paramref name="text"/> to <paramref name="tokens"/>; adds no special token.</summary>
    public abstract void Encode(ReadOnlySpan<char> text, ICollection<int> tokens);

    /// <summary>
    /// The bytes of the tokens' text; special tokens have none. Tokens may end in the middle of a character, which is why bytes, not
    /// characters, are the unit. Where a format joins tokens with spaces (SentencePiece), only whole documents decode exactly.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary.</exception>
    public abstract byte[] DecodeBytes(ReadOnlySpan<int> tokens);

    /// <summary>The bytes of one token within a text, a space at its beginning among them; none for special tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The token is not in the vocabulary.</exception>
    public abstract ReadOnlySpan<byte> BytesOf(int token);

    /// <summary>
    /// The number of UTF-8 bytes that a token stands for, 0 for special tokens: perplexity per token becomes bits per byte with it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The token is not in the vocabulary.</exception>
    public int ByteCount(int token) => BytesOf(token).Length;

    /// <summary>The tokenizer as a file, as it was loaded or as it was trained; <see cref="TokenizerFile.Load"/> reads it.</summary>
    public abstract ReadOnlyMemory<byte> File { get; }

    /// <summary>The tokens of <paramref name="text"/>, without any special token.</summary>
    public int[] Encode(string text)
    {
        var tokens = new List<int>((text.Length / 3) + 8);
        Encode(text, tokens);
        return [.. tokens];
    }

    /// <summary>The text of the tokens; bytes that are not UTF-8 (a cut character) become U+FFFD.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary.</exception>
    public string Decode(ReadOnlySpan<int> tokens) => Encoding.UTF8.GetString(DecodeBytes(tokens));

    /// <summary>The number of UTF-8 bytes of <paramref name="text"/>.</summary>
    public static int CountBytes(string text) => Encoding.UTF8.GetByteCount(text);

    /// <summary><see cref="ByteCount"/> of every token.</summary>
    public int[] ByteCounts()
    {
        int[] counts = new int[VocabularySize];
        for (int token = 0; token < counts.Length; token++)
        {
            counts[token] = ByteCount(token);
        }

        return counts;
    }
}
