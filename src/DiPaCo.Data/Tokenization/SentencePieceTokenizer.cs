using System.Text;
using DiPaCo.Core;
using Library = Microsoft.ML.Tokenizers.SentencePieceTokenizer;

namespace DiPaCo.Data;

/// <summary>
/// SentencePiece models, through Microsoft.ML.Tokenizers. Only models with byte fallback and without normalization are accepted:
/// the others lose characters or white space. The space that such a model puts before a text is taken off again after decoding.
/// U+2581, by which the format writes a space, is encoded by its bytes where a text holds it itself.
/// </summary>
internal sealed class SentencePieceTokenizer : TextTokenizer
{
    // SentencePiece writes a space as this character; left to the library, a text that holds the character itself would come back with a space.
    private const char SpaceMark = '\u2581';

    private readonly Library _library;
    private readonly int[] _spaceMark;
    private readonly byte[]?[] _tokens;

    private SentencePieceTokenizer(Library library, ReadOnlyMemory<byte> file)
    {
        _library = library;
        _spaceMark = [.. Encoding.UTF8.GetBytes([SpaceMark]).Select(value => library.Vocabulary[ByteToken(value)])];
        File = file;
        _tokens = new byte[]?[library.Vocabulary.Values.Max() + 1];
        foreach ((string piece, int id) in library.Vocabulary)
        {
            _tokens[id] = id == library.UnknownId || id == library.BeginningOfSentenceId || id == library.EndOfSentenceId ? null
                : IsByte(piece, out byte value) ? [value]
                : Encoding.UTF8.GetBytes(piece.Replace(SpaceMark, ' '));
        }
    }

    public override int VocabularySize => _tokens.Length;

    public override int EndOfText => _library.EndOfSentenceId;

    public override IReadOnlyList<SpecialToken> SpecialTokens =>
        [.. _library.Vocabulary.Where(entry => _tokens[entry.Value] is null && entry.Value != _library.UnknownId).Select(entry => new SpecialToken(entry.Key, entry.Value))];

    public override ReadOnlyMemory<byte> File { get; }

    public static TextTokenizer Read(ReadOnlyMemory<byte> file, string name)
    {
        Library library;
        try
        {
            using var stream = new MemoryStream(file.ToArray());
            library = Library.Create(stream, addBeginningOfSentence: false, addEndOfSentence: false);
        }
        catch (Exception failure) when (failure is not OutOfMemoryException)
        {
            // A foreign parser on foreign bytes: whatever it stumbles over, the file is what is wrong.
            throw new DiPaCoException($"{name} is neither a tokenizer.json, nor a tiktoken file, nor a SentencePiece model: {failure.Message}", failure);
        }

        if (!library.ByteFallback)
        {
            throw new DiPaCoException($"{name} is a SentencePiece model without byte fallback: characters that it does not know are lost. Train it with --byte_fallback, or use a byte-level tokenizer.");
        }

        if (Enumerable.Range(0, 256).FirstOrDefault(value => !library.Vocabulary.ContainsKey(ByteToken(value)), -1) is >= 0 and int missing)
        {
            throw new DiPaCoException($"{name} is a SentencePiece model with byte fallback that has no token for the byte 0x{missing:X2}, so characters would be lost. Fetch it again, or use a byte-level tokenizer.");
        }

        if (library.EndOfSentenceId < 0 || !library.Vocabulary.ContainsKey(library.EndOfSentenceToken))
        {
            throw new DiPaCoException($"{name} is a SentencePiece model without an end-of-sentence token, with which documents begin and end. Train it with one (the default).");
        }

        var tokenizer = new SentencePieceTokenizer(library, file);
        const string Probe = "  Two  spaces,\ttab\nline \u00e9e\u0301 \ufb01 \U0001F600\u0001 \r end ";
        if (tokenizer.Decode(tokenizer.Encode(Probe)) != Probe)
        {
            throw new DiPaCoException($"{name} is a SentencePiece model that changes text (white space or normalization), so it could not be given back exactly. Train it with --normalization_rule_name=identity --remove_extra_whitespaces=false.");
        }

        return tokenizer;
    }

    public override void Encode(ReadOnlySpan<char> text, ICollection<int> tokens)
    {
        int mark = text.IndexOf(SpaceMark);
        Add(text[..(mark < 0 ? text.Length : mark)], normalize: true, tokens);
        while (mark >= 0)
        {
            foreach (int token in _spaceMark)
            {
                tokens.Add(token);
            }

            text = text[(mark + 1)..];
            mark = text.IndexOf(SpaceMark);

            // Only a whole text has a space put before it. All else that normalization does to the models that are accepted is to mark spaces.
            string rest = text[..(mark < 0 ? text.Length : mark)].ToString().Replace(' ', SpaceMark);
            Add(rest, normalize: false, tokens);
        }
    }

    private void Add(ReadOnlySpan<char> text, bool normalize, ICollection<int> tokens)
    {
        foreach (int token in _library.EncodeToIds(text, addBeginningOfSentence: false, addEndOfSentence: false, considerNormalization: normalize))
        {
            tokens.Add(token);
        }
    }

    public override byte[] DecodeBytes(ReadOnlySpan<int> tokens)
    {
        var bytes = new List<byte>();
        foreach (int token in tokens)
        {
            bytes.AddRange(BytesOf(token));
        }

        bool prefixed = _library.AddDummyPrefix && bytes is [(byte)' ', ..];
        return [.. prefixed ? bytes.Skip(1) : bytes];
    }

    public override ReadOnlySpan<byte> BytesOf(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, _tokens.Length);
        return _tokens[token];
    }

    private static string ByteToken(int value) => $"<0x{value:X2}>";

    private static bool IsByte(string piece, out byte value)
    {
        value = 0;
        return piece is ['<', '0', 'x', _, _, '>'] && byte.TryParse(piece.AsSpan(3, 2), System.Globalization.NumberStyles.HexNumber, null, out value);
    }
}
