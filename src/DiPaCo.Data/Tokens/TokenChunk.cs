using System.Buffers;
using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Text;
using System.Text.Unicode;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// A chunk of a tokenized corpus, read-only: documents and their tokens, memory-mapped. Its structure is checked when it is opened, so reading
/// cannot leave the file; tokens when they are copied, because a task reads few of a large corpus. The file must not change while it is open, as
/// blobs never do. Safe for use by several threads.
/// </summary>
public sealed unsafe class TokenChunk : IDisposable
{
    private readonly IDisposable _owner;
    private readonly byte* _file;
    private readonly TokenChunkHeader _header;
    private readonly string _name;
    private readonly Lock _gate = new();
    private int _readers;
    private bool _disposed;

    private TokenChunk(IDisposable owner, byte* file, long length, string name)
    {
        _owner = owner;
        _file = file;
        _name = name;
        string? reason = TokenChunkHeader.Read(Bytes(0, (int)Math.Min(length, TokenChunkFormat.HeaderBytes)), length, out _header);
        string[] sources = [];
        reason ??= ReadSources(out sources) ?? CheckDocuments(sources.Length);
        if (reason is not null)
        {
            throw Bad(reason);
        }

        Sources = sources;
    }

    /// <summary>Token ids are below this.</summary>
    public int VocabularySize => _header.VocabularySize;

    /// <summary>Number of documents.</summary>
    public int DocumentCount => _header.DocumentCount;

    /// <summary>Number of tokens of all documents.</summary>
    public long TokenCount => _header.TokenCount;

    /// <summary>The names that <see cref="DocumentEntry.Source"/> refers to.</summary>
    public IReadOnlyList<string> Sources { get; }

    /// <summary>A document's entry.</summary>
    public DocumentEntry this[int document]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfNegative(document);
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(document, DocumentCount);
            Enter();
            try
            {
                return Entry(document);
            }
            finally
            {
                Leave();
            }
        }
    }

    /// <summary>Maps a chunk file into memory.</summary>
    /// <exception cref="DiPaCoException">The file is missing, unreadable, or not a good chunk.</exception>
    public static TokenChunk Open(string path)
    {
        MappedFile? mapped = null;
        try
        {
            mapped = new MappedFile(path);
            return new TokenChunk(mapped, mapped.Pointer, mapped.Length, path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            mapped?.Dispose();
            throw new DiPaCoException($"The token chunk {path} cannot be read: {failure.Message}", failure);
        }
        catch (DiPaCoException)
        {
            mapped?.Dispose();
            throw;
        }
    }

    /// <summary>Reads a chunk from memory, which must stay unchanged.</summary>
    /// <exception cref="DiPaCoException">The bytes are not a good chunk.</exception>
    public static TokenChunk Load(ReadOnlyMemory<byte> bytes, string name = "The token chunk")
    {
        var pinned = new PinnedMemory(bytes.Pin());
        try
        {
            return new TokenChunk(pinned, pinned.Pointer, bytes.Length, name);
        }
        catch (DiPaCoException)
        {
            pinned.Dispose();
            throw;
        }
    }

    /// <summary>Copies tokens of a document.</summary>
    /// <param name="document">The document's number.</param>
    /// <param name="start">The first token wanted, from the document's beginning.</param>
    /// <param name="tokens">Is filled.</param>
    /// <exception cref="ArgumentOutOfRangeException">The document does not have so many tokens.</exception>
    /// <exception cref="DiPaCoException">A token is not one of the vocabulary.</exception>
    public void CopyTokens(int document, int start, Span<int> tokens)
    {
        DocumentEntry entry = this[document];
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        if (start > entry.TokenCount - tokens.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(tokens), $"Document {document} has {entry.TokenCount} tokens, not {(long)start + tokens.Length}.");
        }

        Enter();
        try
        {
            ReadOnlySpan<byte> from = Bytes(_header.TokensAt + ((entry.TokenOffset + start) * _header.TokenBytes), tokens.Length * _header.TokenBytes);
            if (TokenRange.Maximum(from, _header.TokenBytes) >= (uint)VocabularySize)
            {
                throw Bad($"a token of document {document} is not below the vocabulary size of {VocabularySize}");
            }

            for (int i = 0; i < tokens.Length; i++)
            {
                tokens[i] = _header.TokenBytes == 2
                    ? BinaryPrimitives.ReadUInt16LittleEndian(from[(2 * i)..])
                    : BinaryPrimitives.ReadInt32LittleEndian(from[(4 * i)..]);
            }
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>All tokens of a document.</summary>
    public int[] Tokens(int document)
    {
        int[] tokens = new int[this[document].TokenCount];
        CopyTokens(document, 0, tokens);
        return tokens;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        bool last;
        lock (_gate)
        {
            last = !_disposed && _readers == 0;
            _disposed = true;
        }

        if (last)
        {
            _owner.Dispose();
        }
    }

    private DocumentEntry Entry(int document) => TokenChunkFormat.ReadEntry(
        Bytes(TokenChunkFormat.HeaderBytes + ((long)document * TokenChunkFormat.EntryBytes), TokenChunkFormat.EntryBytes));

    private ReadOnlySpan<byte> Bytes(long at, int count) => new(_file + at, count);

    // Memory that a reader is copying from is unmapped when the last reader leaves.
    private void Enter()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _readers++;
        }
    }

    private void Leave()
    {
        bool last;
        lock (_gate)
        {
            last = --_readers == 0 && _disposed;
        }

        if (last)
        {
            _owner.Dispose();
        }
    }

    private string? ReadSources(out string[] names)
    {
        names = [];
        if (_header.SourceCount > _header.SourceBytes / 4)
        {
            return "it claims more names of sources than fit";
        }

        ReadOnlySpan<byte> rest = Bytes(_header.SourcesAt, _header.SourceBytes);
        names = new string[_header.SourceCount];
        for (int i = 0; i < names.Length; i++)
        {
            int length = rest.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(rest);
            if (length < 0 || length > TokenChunkFormat.MaximumSourceNameBytes || length > rest.Length - 4 || !Utf8.IsValid(rest.Slice(4, length)))
            {
                return $"the name of source {i} is damaged";
            }

            names[i] = Encoding.UTF8.GetString(rest.Slice(4, length));
            rest = rest[(4 + length)..];
        }

        return rest.IsEmpty ? null : "bytes follow the names of sources";
    }

    private string? CheckDocuments(int sources)
    {
        long offset = 0;
        for (int i = 0; i < DocumentCount; i++)
        {
            DocumentEntry entry = Entry(i);
            if (entry.TokenOffset != offset || entry.TokenCount < 0 || entry.ByteCount < 0
                || (uint)entry.Source >= (uint)sources || entry.Split is < Split.Train or > Split.Router)
            {
                return $"the entry of document {i} is damaged";
            }

            offset += entry.TokenCount;
        }

        return offset == TokenCount ? null : $"its documents have {offset} tokens, its header says {TokenCount}";
    }

    private DiPaCoException Bad(string reason) =>
        new($"{_name} is not a good token chunk: {reason}. Delete it and let the run make it again, or restore it from a copy.");

    private sealed class PinnedMemory(MemoryHandle handle) : IDisposable
    {
        private MemoryHandle _handle = handle;

        public byte* Pointer => (byte*)_handle.Pointer;

        public void Dispose() => _handle.Dispose();
    }

    private sealed class MappedFile : IDisposable
    {
        private readonly MemoryMappedFile _file;
        private readonly MemoryMappedViewAccessor _view;

        public MappedFile(string path)
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
            Length = stream.Length;
            if (Length < TokenChunkFormat.HeaderBytes)
            {
                throw new DiPaCoException($"{path} is not a good token chunk: it has {Length} bytes, fewer than a header. Delete it and let the run make it again, or restore it from a copy.");
            }

            _file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
            _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
            byte* pointer = null;
            _view.SafeMemoryMappedViewHandle.AcquirePointer(ref pointer);
            Pointer = pointer + _view.PointerOffset;
        }

        public byte* Pointer { get; }

        public long Length { get; }

        public void Dispose()
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
        }
    }
}
