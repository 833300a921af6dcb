namespace DiPaCo.Cluster.Blobs;

/// <summary>A file, or a part of it, that tells how much of it was read for the first time.</summary>
internal sealed class SendingStream : Stream
{
    private readonly FileStream _file;
    private readonly long _start;
    private readonly long _length;
    private readonly IProgress<long> _sending;
    private long _told;

    /// <summary>Opens a part of a file.</summary>
    public SendingStream(string path, long start, long length, IProgress<long> sending)
    {
        _file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan) { Position = start };
        _start = start;
        _length = length;
        _sending = sending;
    }

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => _length;

    public override long Position
    {
        get => _file.Position - _start;
        set => _file.Position = _start + value;
    }

    public override int Read(Span<byte> buffer)
    {
        int read = _file.Read(buffer[..(int)Math.Min(buffer.Length, Math.Max(0, _length - Position))]);
        Tell();
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await _file.ReadAsync(buffer[..(int)Math.Min(buffer.Length, Math.Max(0, _length - Position))], cancellationToken);
        Tell();
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => Position + offset,
        _ => _length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Tell()
    {
        // Signing reads it once more than sending does.
        if (Position > _told)
        {
            _sending.Report(Position - _told);
            _told = Position;
        }
    }
}
