using System.Collections.Concurrent;
using System.Text;

namespace DiPaCo.Data;

/// <summary>
/// Byte-level byte-pair encoding: text is cut into pieces, each piece into its UTF-8 bytes, and pairs are merged, lowest rank first and
/// leftmost among equals. Every byte has a token, so nothing is unknown and decoding is exact.
/// </summary>
internal sealed class ByteLevelBpe : TextTokenizer
{
    private readonly BpeModel _model;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>>? _whole;
    private readonly ConcurrentBag<BpeEncoder> _encoders = [];

    public ByteLevelBpe(BpeModel model, ReadOnlyMemory<byte> file)
    {
        _model = model;
        File = file;
        if (model.WholePiecesFirst)
        {
            var whole = new Dictionary<string, int>(StringComparer.Ordinal);
            for (int token = 0; token < model.Tokens.Length; token++)
            {
                if (model.Tokens[token] is { } bytes && System.Text.Unicode.Utf8.IsValid(bytes))
                {
                    whole[Encoding.UTF8.GetString(bytes)] = token;
                }
            }

            _whole = whole.GetAlternateLookup<ReadOnlySpan<char>>();
        }
    }

    public override int VocabularySize => _model.Tokens.Length;

    public override int EndOfText => _model.EndOfText;

    public override IReadOnlyList<SpecialToken> SpecialTokens => _model.SpecialTokens;

    public override ReadOnlyMemory<byte> File { get; }

    public override void Encode(ReadOnlySpan<char> text, ICollection<int> tokens)
    {
        if (!_encoders.TryTake(out BpeEncoder? encoder))
        {
            encoder = new BpeEncoder(_model, _whole);
        }

        encoder.Encode(text, tokens);
        _encoders.Add(encoder);
    }

    public override byte[] DecodeBytes(ReadOnlySpan<int> tokens)
    {
        int length = 0;
        foreach (int token in tokens)
        {
            length += ByteCount(token);
        }

        byte[] bytes = new byte[length];
        Span<byte> rest = bytes;
        foreach (int token in tokens)
        {
            byte[] part = _model.Tokens[token] ?? [];
            part.CopyTo(rest);
            rest = rest[part.Length..];
        }

        return bytes;
    }

    public override ReadOnlySpan<byte> BytesOf(int token)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(token);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(token, _model.Tokens.Length);
        return _model.Tokens[token];
    }
}
