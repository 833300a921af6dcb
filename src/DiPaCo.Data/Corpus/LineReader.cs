namespace DiPaCo.Data;

/// <summary>
/// Cuts a stream into lines of at most a given length; holds one line, never the file. Lines end at LF; a CR before it is dropped.
/// </summary>
internal sealed class LineReader(CorpusFile file, Stream stream, int maximumBytes)
{
    private byte[] _buffer = new byte[1 << 16];
    private int _start;
    private int _end;
    private bool _ended;

    /// <summary>The line last read, without its end; valid until the next read. Empty where the line was too long.</summary>
    public ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>Whether the line last read was longer than allowed; its bytes were skipped.</summary>
    public bool TooLong { get; private set; }

    /// <summary>The number of the line last read, from 1.</summary>
    public long Number { get; private set; }

    /// <summary>Reads the next line; false at the end of the stream.</summary>
    public async ValueTask<bool> ReadAsync(CancellationToken cancellationToken)
    {
        int scanned = 0;
        bool skipping = false;
        while (true)
        {
            int newline = _buffer.AsSpan(_start + scanned, _end - _start - scanned).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                int length = scanned + newline;
                Take(length, skipping || length > maximumBytes);
                _start += length + 1;
                return true;
            }

            scanned = _end - _start;
            if (_ended)
            {
                if (scanned == 0 && !skipping)
                {
                    return false;
                }

                Take(scanned, skipping || scanned > maximumBytes);
                _start = _end;
                return true;
            }

            if (scanned > maximumBytes)
            {
                skipping = true;
                _start = _end = scanned = 0;
            }

            await FillAsync(cancellationToken);
        }
    }

    private void Take(int length, bool tooLong)
    {
        Number++;
        TooLong = tooLong;
        ReadOnlyMemory<byte> line = tooLong ? default : _buffer.AsMemory(_start, length);
        Line = line.Length > 0 && line.Span[^1] == '\r' ? line[..^1] : line;
        if (Number == 1 && Line.Span.StartsWith("\uFEFF"u8))
        {
            Line = Line[3..];
        }
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, (int)Math.Min(2L * _buffer.Length, maximumBytes + (1L << 16)));
        }

        int read = await CorpusStream.ReadAsync(file, stream, _buffer.AsMemory(_end), cancellationToken);
        _ended = read == 0;
        _end += read;
    }
}
