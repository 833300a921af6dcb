using System.Security.Cryptography;
using DiPaCo.Core;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Runtime.Storage;

/// <summary>
/// Writes a file from its start and hashes it on the way. Small writes are gathered; a large one goes from the caller's
/// memory straight to the file while a second thread hashes it, so that the slower of the two sets the pace, not their sum.
/// </summary>
internal sealed class HashingFileStream : Stream
{
    private const int GatherBytes = 256 << 10;

    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private byte[]? _gathered;
    private int _gatheredLength;
    private long _written;
    private BlobHash? _digest;

    /// <summary>Takes over an empty file.</summary>
    public HashingFileStream(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => _digest is null;

    public override long Length => _written + _gatheredLength;

    public override long Position
    {
        get => Length;
        set => throw new NotSupportedException();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(_digest is not null, this);
        if (buffer.Length > GatherBytes - _gatheredLength)
        {
            WriteGathered();
            if (buffer.Length >= GatherBytes)
            {
                WriteAndHash(buffer);
                return;
            }
        }

        _gathered ??= new byte[GatherBytes];
        buffer.CopyTo(_gathered.AsSpan(_gatheredLength));
        _gatheredLength += buffer.Length;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Nothing to do before the end: <see cref="Finish"/> writes the rest.</summary>
    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Hands the last bytes to the operating system and returns the hash of all; no write may follow.</summary>
    public BlobHash Finish()
    {
        if (_digest is null)
        {
            WriteGathered();
            Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
            _hash.GetHashAndReset(digest);
            _digest = BlobHash.FromDigest(digest);
        }

        return _digest.Value;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private void WriteGathered()
    {
        if (_gatheredLength > 0)
        {
            ReadOnlySpan<byte> bytes = _gathered.AsSpan(0, _gatheredLength);
            _hash.AppendData(bytes);
            WriteToFile(bytes);
            _gatheredLength = 0;
        }
    }

    private unsafe void WriteAndHash(ReadOnlySpan<byte> bytes)
    {
        int length = bytes.Length;
        fixed (byte* start = bytes)
        {
            // Both are done before this returns, so the caller's memory stays pinned long enough.
            nint address = (nint)start;
            DiskSpace.Reserve(_handle, _written, length);
            var hashing = Task.Run(() => _hash.AppendData(new ReadOnlySpan<byte>((byte*)address, length)));
            try
            {
                WriteToFile(bytes);
            }
            finally
            {
                hashing.GetAwaiter().GetResult();
            }
        }
    }

    private void WriteToFile(ReadOnlySpan<byte> bytes)
    {
        try
        {
            RandomAccess.Write(_handle, bytes, _written);
            _written += bytes.Length;
        }
        catch (Exception e) when (StorageErrors.IsStorage(e))
        {
            throw StorageErrors.Explain(e, "write", _path);
        }
    }
}
