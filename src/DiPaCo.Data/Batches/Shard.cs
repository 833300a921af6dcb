using System.Buffers.Binary;
using DiPaCo.Core;

namespace DiPaCo.Data;

/// <summary>
/// The documents assigned to a path (paper §2.4), in the order of their ids, each once. With overlap one document is in several shards,
/// never twice in one. The same documents always give the same bytes.
/// </summary>
public sealed class Shard
{
    private const ulong Magic = 0x6853_6F43_6150_6944; // "DiPaCoSh"
    private const uint Version = 1;
    private const int HeaderBytes = 16;
    private const int EntryBytes = 12;

    private readonly ShardDocument[] _documents;

    private Shard(ShardDocument[] documents) => _documents = documents;

    /// <summary>The documents, in the order of their ids.</summary>
    public IReadOnlyList<ShardDocument> Documents => _documents;

    /// <summary>Tokens of all documents: the shard's size in the weights of the outer step.</summary>
    public long TokenCount => _documents.Sum(document => (long)document.TokenCount);

    /// <summary>A shard of these documents; sorts them and drops repetitions.</summary>
    public static Shard Of(TokenCorpus corpus, IEnumerable<DocumentId> documents) =>
        new([.. documents.Distinct().Order().Select(id => new ShardDocument(id, corpus[id].TokenCount))]);

    /// <summary>The shard as a blob.</summary>
    public byte[] ToBytes()
    {
        byte[] bytes = new byte[HeaderBytes + ((long)EntryBytes * _documents.Length)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), _documents.Length);
        Span<byte> rest = bytes.AsSpan(HeaderBytes);
        foreach (ShardDocument document in _documents)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, document.Id.Chunk);
            BinaryPrimitives.WriteInt32LittleEndian(rest[4..], document.Id.Document);
            BinaryPrimitives.WriteInt32LittleEndian(rest[8..], document.TokenCount);
            rest = rest[EntryBytes..];
        }

        return bytes;
    }

    /// <summary>Reads the blob of a shard.</summary>
    /// <exception cref="DiPaCoException">The bytes are not a shard.</exception>
    public static Shard FromBytes(ReadOnlySpan<byte> bytes, string name = "The shard")
    {
        bool begins = bytes.Length >= HeaderBytes
            && BinaryPrimitives.ReadUInt64LittleEndian(bytes) == Magic
            && BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) == Version;
        int count = begins ? BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]) : -1;
        if (count < 0 || HeaderBytes + ((long)EntryBytes * count) != bytes.Length)
        {
            throw Damaged(name, "its header does not agree with its length");
        }

        var documents = new ShardDocument[count];
        ReadOnlySpan<byte> rest = bytes[HeaderBytes..];
        for (int i = 0; i < count; i++)
        {
            var id = new DocumentId(BinaryPrimitives.ReadInt32LittleEndian(rest), BinaryPrimitives.ReadInt32LittleEndian(rest[4..]));
            documents[i] = new ShardDocument(id, BinaryPrimitives.ReadInt32LittleEndian(rest[8..]));
            rest = rest[EntryBytes..];
            if (id.Chunk < 0 || id.Document < 0 || documents[i].TokenCount < 0 || (i > 0 && id <= documents[i - 1].Id))
            {
                throw Damaged(name, $"entry {i} is out of order or negative");
            }
        }

        return new Shard(documents);
    }

    /// <summary>Checks that the shard is one of this corpus.</summary>
    /// <exception cref="DiPaCoException">A document is missing there or has another length.</exception>
    public void CheckAgainst(TokenCorpus corpus)
    {
        foreach (ShardDocument document in _documents)
        {
            bool known = document.Id.Chunk < corpus.Chunks.Count && document.Id.Document < corpus.Chunks[document.Id.Chunk].DocumentCount;
            if (!known || corpus[document.Id].TokenCount != document.TokenCount)
            {
                throw new DiPaCoException($"The shard names document {document.Id} of {document.TokenCount} tokens, which this corpus does not have. The shard belongs to another corpus or tokenizer.");
            }
        }
    }

    private static DiPaCoException Damaged(string name, string reason) => new(
        $"{name} is not a good shard: {reason}. Delete it and let the run make it again, or restore it from a copy.");
}
