using System.Net;

namespace DiPaCo.Cluster.Blobs;

/// <summary>The end of a file as the body of a request, from a byte on.</summary>
internal sealed class FilePartContent(string path, long offset, long length, IProgress<long> sending) : HttpContent
{
    private const int BufferBytes = 128 << 10;

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);
        file.Position = offset;
        byte[] buffer = new byte[BufferBytes];
        for (long rest = length; rest > 0;)
        {
            int read = await file.ReadAsync(buffer.AsMemory(0, (int)Math.Min(rest, buffer.Length)), cancellationToken);
            if (read == 0)
            {
                throw new EndOfStreamException($"'{path}' was cut while it was being uploaded.");
            }

            await stream.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            sending.Report(read);
            rest -= read;
        }
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override bool TryComputeLength(out long bytes)
    {
        bytes = length;
        return true;
    }
}
