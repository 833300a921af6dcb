using System.Buffers;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Cluster.Blobs;

/// <summary>An unfinished upload that this request is working on: a file that grows at its end.</summary>
internal sealed class BlobUpload : IDisposable
{
    private const int BufferBytes = 256 << 10;

    private readonly string _path;
    private readonly KeyedTurns<string>.Turn _turn;
    private readonly Action _closed;
    private SafeFileHandle? _handle;

    /// <summary>Opens the upload whose turn the caller has.</summary>
    /// <param name="path">The file, which need not exist.</param>
    /// <param name="turn">Passed on with <see cref="Dispose"/>.</param>
    /// <param name="closed">Called at the end.</param>
    public BlobUpload(string path, KeyedTurns<string>.Turn turn, Action closed)
    {
        _path = path;
        _turn = turn;
        _closed = closed;
        var file = new FileInfo(path);
        Offset = file.Exists ? file.Length : 0;
    }

    /// <summary>How many bytes are there.</summary>
    public long Offset { get; private set; }

    /// <summary>Is cancelled when a newer request wants to go on with this upload.</summary>
    public CancellationToken Wanted => _turn.Wanted;

    /// <summary>Forgets what is there.</summary>
    public void Restart()
    {
        Close();
        File.Delete(_path);
        Offset = 0;
    }

    /// <summary>Appends the next <paramref name="count"/> bytes of a body. What has come before a failure stays.</summary>
    /// <exception cref="EndOfStreamException">The body is shorter.</exception>
    public async Task AppendAsync(Stream body, long count, CancellationToken cancellationToken)
    {
        if (count == 0)
        {
            return;
        }

        _handle ??= Open();
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (count > 0)
            {
                int read = await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, count)), cancellationToken);
                if (read == 0)
                {
                    throw new EndOfStreamException();
                }

                Write(buffer.AsSpan(0, read));
                count -= read;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Stores the finished upload if its hash is right; either way nothing of it is left here.</summary>
    public async Task FinishAsync(IBlobStore store, BlobHash hash, CancellationToken cancellationToken)
    {
        _handle ??= Open();
        Close();
        try
        {
            await store.PutFileAsync(_path, hash, cancellationToken);
        }
        finally
        {
            Offset = 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _closed();
        _turn.Dispose();
    }

    private SafeFileHandle Open()
    {
        try
        {
            return File.OpenHandle(_path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read | FileShare.Delete);
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "write", _path);
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_handle!, bytes, Offset);
            Offset += bytes.Length;
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "write", _path);
        }
    }

    private void Close()
    {
        _handle?.Dispose();
        _handle = null;
    }
}
