using System.IO.Compression;
using DiPaCo.Core;
using ZstdSharp;

namespace DiPaCo.Data;

/// <summary>Opens corpus files, unpacking them, and gives their failures a name.</summary>
internal static class CorpusStream
{
    public static Stream Open(CorpusFile file)
    {
        Stream packed;
        try
        {
            packed = new FileStream(file.FullPath, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16, FileOptions.SequentialScan);
        }
        catch (Exception failure) when (failure is UnauthorizedAccessException or IOException)
        {
            throw new DiPaCoException($"The corpus file {file.FullPath} cannot be opened: {failure.Message}", failure);
        }

        if (file.Compression != CorpusCompression.None && packed.Length == 0)
        {
            packed.Dispose();
            throw new DiPaCoException($"The corpus file {file.FullPath} is empty, which no packed file is. Fetch it again or remove it.");
        }

        return file.Compression switch
        {
            CorpusCompression.Gzip => new GZipStream(packed, CompressionMode.Decompress),
            CorpusCompression.Zstandard => new DecompressionStream(packed, leaveOpen: false),
            _ => packed,
        };
    }

    /// <summary>Reads some bytes; 0 at the end.</summary>
    /// <exception cref="DiPaCoException">The file is truncated, damaged or unreadable.</exception>
    public static async ValueTask<int> ReadAsync(CorpusFile file, Stream stream, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            return await stream.ReadAsync(buffer, cancellationToken);
        }
        catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException or ZstdException)
        {
            string kind = file.Compression == CorpusCompression.Gzip ? "gzip" : "Zstandard";
            throw new DiPaCoException($"The corpus file {file.FullPath} is a truncated or damaged {kind} file: {failure.Message} Fetch it again or remove it.", failure);
        }
        catch (IOException failure)
        {
            throw new DiPaCoException($"The corpus file {file.FullPath} cannot be read: {failure.Message}", failure);
        }
    }
}
