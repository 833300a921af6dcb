using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Recipe;

/// <summary>SHA-256 over documents in order. Every field is preceded by its length, so that no two lists of documents look alike.</summary>
internal sealed class CorpusFingerprint : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>UTF-8 bytes of the texts so far.</summary>
    public long Bytes { get; private set; }

    public void Add(Document document)
    {
        Bytes += Append(document.Text);
        Append(document.Origin);
        Append(document.Source);

        // A tokenizer samples a large corpus by it.
        Append(document.Location);
    }

    public BlobHash Finish() => BlobHash.FromDigest(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();

    private int Append(string field)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(sizeof(int) + Encoding.UTF8.GetMaxByteCount(field.Length));
        int length = Encoding.UTF8.GetBytes(field, buffer.AsSpan(sizeof(int)));
        BinaryPrimitives.WriteInt32LittleEndian(buffer, length);
        _hash.AppendData(buffer, 0, sizeof(int) + length);
        ArrayPool<byte>.Shared.Return(buffer);
        return length;
    }
}
