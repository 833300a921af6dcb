using System.Buffers.Binary;
using System.Text;

namespace DiPaCo.Data;

/// <summary>Collects documents' tokens and writes them as one chunk: the same documents always give the same bytes.</summary>
public sealed class TokenChunkBuilder
{
    private const int BlockTokens = 1 << 14;

    private readonly List<DocumentEntry> _documents = [];
    private readonly Dictionary<string, int> _sources = new(StringComparer.Ordinal);
    private readonly List<byte[]> _sourceNames = [];
    private readonly int _vocabularySize;
    private readonly int _tokenBytes;

    // As they are written. One array that grows would at times be there twice, and leave its smaller ones behind.
    private readonly List<byte[]> _blocks = [];
    private int _sourceBytes;

    /// <summary>Begins a chunk of tokens below <paramref name="vocabularySize"/>.</summary>
    public TokenChunkBuilder(int vocabularySize)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(vocabularySize);
        _vocabularySize = vocabularySize;
        _tokenBytes = TokenChunkFormat.TokenBytes(vocabularySize);
    }

    /// <summary>Documents so far.</summary>
    public int DocumentCount => _documents.Count;

    /// <summary>Tokens so far.</summary>
    public long TokenCount { get; private set; }

    /// <summary>Appends a document.</summary>
    /// <param name="originHash">Hash of its origin.</param>
    /// <param name="source">Name of its source.</param>
    /// <param name="split">Its split.</param>
    /// <param name="tokens">Its tokens, with the end-of-text tokens around them.</param>
    /// <param name="byteCount">UTF-8 bytes of its text.</param>
    /// <exception cref="ArgumentOutOfRangeException">A token is not in the vocabulary.</exception>
    public void Add(ulong originHash, string source, Split split, ReadOnlySpan<int> tokens, int byteCount)
    {
        foreach (int token in tokens)
        {
            if ((uint)token >= (uint)_vocabularySize)
            {
                throw new ArgumentOutOfRangeException(nameof(tokens), token, $"The vocabulary has {_vocabularySize} tokens.");
            }
        }

        _documents.Add(new DocumentEntry(originHash, SourceIndex(source), split, TokenCount, tokens.Length, byteCount));
        while (!tokens.IsEmpty)
        {
            int at = (int)(TokenCount % BlockTokens);
            if (at == 0)
            {
                _blocks.Add(new byte[BlockTokens * _tokenBytes]);
            }

            int count = Math.Min(BlockTokens - at, tokens.Length);
            Pack(tokens[..count], _blocks[^1].AsSpan(at * _tokenBytes));
            tokens = tokens[count..];
            TokenCount += count;
        }
    }

    /// <summary>Writes the chunk; the stream need not seek.</summary>
    public async Task WriteToAsync(Stream stream, CancellationToken cancellationToken)
    {
        var header = new TokenChunkHeader(_vocabularySize, _documents.Count, _sourceNames.Count, _sourceBytes, TokenCount);
        byte[] head = new byte[header.TokensAt];
        header.Write(head);
        Span<byte> rest = head.AsSpan(TokenChunkFormat.HeaderBytes);
        foreach (DocumentEntry entry in _documents)
        {
            TokenChunkFormat.WriteEntry(rest, entry);
            rest = rest[TokenChunkFormat.EntryBytes..];
        }

        foreach (byte[] name in _sourceNames)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, name.Length);
            name.CopyTo(rest[4..]);
            rest = rest[(4 + name.Length)..];
        }

        await stream.WriteAsync(head, cancellationToken);
        long left = TokenCount * _tokenBytes;
        foreach (byte[] block in _blocks)
        {
            int count = (int)Math.Min(block.Length, left);
            await stream.WriteAsync(block.AsMemory(0, count), cancellationToken);
            left -= count;
        }
    }

    private void Pack(ReadOnlySpan<int> tokens, Span<byte> block)
    {
        for (int i = 0; i < tokens.Length; i++)
        {
            if (_tokenBytes == 2)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(block[(2 * i)..], (ushort)tokens[i]);
            }
            else
            {
                BinaryPrimitives.WriteUInt32LittleEndian(block[(4 * i)..], (uint)tokens[i]);
            }
        }
    }

    private int SourceIndex(string source)
    {
        if (_sources.TryGetValue(source, out int index))
        {
            return index;
        }

        // A name is for reports: an absurdly long one is cut rather than refused, between characters.
        string name = source;
        while (Encoding.UTF8.GetByteCount(name) > TokenChunkFormat.MaximumSourceNameBytes)
        {
            int length = Math.Min(name.Length - 1, TokenChunkFormat.MaximumSourceNameBytes);
            name = name[..(char.IsHighSurrogate(name[length - 1]) ? length - 1 : length)];
        }

        byte[] bytes = Encoding.UTF8.GetBytes(name);
        _sourceNames.Add(bytes);
        _sourceBytes = checked(_sourceBytes + 4 + bytes.Length);
        _sources.Add(source, _sourceNames.Count - 1);
        return _sourceNames.Count - 1;
    }
}
