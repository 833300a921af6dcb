using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace DiPaCo.Model.SafeTensors;

/// <summary>
/// Reads a safetensors file of any origin. Opening checks the whole header, so a file that opens is consistent;
/// data goes from the file straight into the caller's memory.
/// </summary>
public sealed class SafeTensorsReader : IDisposable
{
    private const int LargestPiece = 64 << 20;

    private readonly SafeFileHandle _handle;
    private readonly SafeTensorsHeader _header;

    private SafeTensorsReader(string path, SafeFileHandle handle, SafeTensorsHeader header)
    {
        Path = path;
        _handle = handle;
        _header = header;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The tensors in the order of their data.</summary>
    public IReadOnlyList<StoredTensor> Tensors => _header.Tensors;

    /// <summary>The pairs of <c>__metadata__</c> in the order of the file.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Metadata => _header.Metadata;

    /// <summary>The open file.</summary>
    internal SafeFileHandle Handle => _handle;

    /// <summary>Opens a file and checks its header.</summary>
    /// <exception cref="SafeTensorsException">The file does not exist, cannot be opened, or is not a valid safetensors file.</exception>
    public static SafeTensorsReader Open(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, FileOptions.SequentialScan);
            var reader = new SafeTensorsReader(path, handle, ReadHeader(path, handle));
            handle = null;
            return reader;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SafeTensorsException(path, e is FileNotFoundException or DirectoryNotFoundException ? "it does not exist" : e.Message.TrimEnd('.'), e);
        }
        finally
        {
            handle?.Dispose();
        }
    }

    /// <summary>The tensor of this name.</summary>
    /// <exception cref="SafeTensorsException">The file has no such tensor.</exception>
    public StoredTensor Find(string name) => _header.ByName.TryGetValue(name, out StoredTensor? tensor)
        ? tensor
        : throw new SafeTensorsException(Path, $"it has no tensor {SafeTensorsHeader.Quote(name)}");

    /// <summary>The tensor of this name, type and shape.</summary>
    /// <exception cref="SafeTensorsException">The tensor is missing or has another type or shape.</exception>
    public StoredTensor Find(TensorSpec expected)
    {
        StoredTensor stored = Find(expected.Name);
        return stored.Spec.HasLayoutOf(expected)
            ? stored
            : throw new SafeTensorsException(Path, $"tensor {SafeTensorsHeader.Quote(stored.Spec.Name)} is {stored.Spec}, expected {expected}");
    }

    /// <summary>Reads a tensor; <paramref name="destination"/> must have exactly its bytes.</summary>
    /// <exception cref="SafeTensorsException">The file has no such tensor, or one of another size, or became shorter.</exception>
    public void ReadInto<T>(string name, Span<T> destination)
        where T : unmanaged
    {
        StoredTensor tensor = Find(name);
        Span<byte> bytes = MemoryMarshal.AsBytes(destination);
        if (bytes.Length != tensor.Spec.ByteLength)
        {
            throw new SafeTensorsException(Path, $"tensor {SafeTensorsHeader.Quote(name)} is {tensor.Spec}, {tensor.Spec.ByteLength} bytes; {bytes.Length} bytes were expected");
        }

        ReadExactly(bytes, tensor.FileOffset);
    }

    /// <summary>
    /// Reads tensors into memory that the caller owns, of any size. Element type and shape must be as the file has them.
    /// What is contiguous in the file and in memory is read together.
    /// </summary>
    /// <exception cref="SafeTensorsException">A tensor is missing or has another type or shape, or the file became shorter.</exception>
    public void ReadInto(IReadOnlyList<TensorMemory> destinations, CancellationToken cancellationToken = default)
    {
        nint start = 0;
        long offset = 0;
        long length = 0;
        foreach (TensorMemory destination in destinations)
        {
            StoredTensor stored = Find(destination.Spec);
            if (length > 0 && start + (nint)length == destination.Address && offset + length == stored.FileOffset)
            {
                length += stored.Spec.ByteLength;
                continue;
            }

            ReadRun(start, length, offset, cancellationToken);
            (start, length, offset) = (destination.Address, stored.Spec.ByteLength, stored.FileOffset);
        }

        ReadRun(start, length, offset, cancellationToken);
    }

    /// <summary>Reads one tensor of the expected type and shape into memory that the caller owns.</summary>
    /// <exception cref="SafeTensorsException">As for several.</exception>
    public void ReadInto(TensorSpec expected, nint destination, CancellationToken cancellationToken = default) =>
        ReadInto([new TensorMemory(expected, destination)], cancellationToken);

    /// <summary>Reads some elements of a tensor of the expected type and shape.</summary>
    /// <param name="expected">The tensor.</param>
    /// <param name="first">First element.</param>
    /// <param name="destination">Receives elements from there on; they must be inside the tensor.</param>
    /// <exception cref="SafeTensorsException">The tensor is missing or has another type or shape, or the file became shorter.</exception>
    public void ReadPart<T>(TensorSpec expected, long first, Span<T> destination)
        where T : unmanaged
    {
        StoredTensor stored = Find(expected);
        Span<byte> bytes = MemoryMarshal.AsBytes(destination);
        long start = first * Unsafe.SizeOf<T>();
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + bytes.Length, stored.Spec.ByteLength, nameof(destination));
        ReadExactly(bytes, stored.FileOffset + start);
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static SafeTensorsHeader ReadHeader(string path, SafeFileHandle handle)
    {
        long fileLength = RandomAccess.GetLength(handle);
        Span<byte> prefix = stackalloc byte[SafeTensorsFormat.LengthPrefix];
        ReadExactly(path, handle, prefix, 0);
        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        long rest = fileLength - SafeTensorsFormat.LengthPrefix;
        if (headerLength > (ulong)Math.Min(rest, SafeTensorsFormat.MaximumHeaderBytes))
        {
            throw new SafeTensorsException(
                path, $"it announces a header of {headerLength} bytes; {Math.Min(rest, SafeTensorsFormat.MaximumHeaderBytes)} are possible");
        }

        byte[] json = new byte[headerLength];
        ReadExactly(path, handle, json, SafeTensorsFormat.LengthPrefix);
        return SafeTensorsHeader.Parse(path, json, rest - json.Length);
    }

    private unsafe void ReadRun(nint start, long length, long offset, CancellationToken cancellationToken)
    {
        for (long done = 0; done < length;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int piece = (int)Math.Min(LargestPiece, length - done);
            ReadExactly(new Span<byte>((byte*)start + done, piece), offset + done);
            done += piece;
        }
    }

    private void ReadExactly(Span<byte> destination, long offset)
    {
        try
        {
            ReadExactly(Path, _handle, destination, offset);
        }
        catch (IOException e)
        {
            throw new SafeTensorsException(Path, e.Message.TrimEnd('.'), e);
        }
    }

    private static void ReadExactly(string path, SafeFileHandle handle, Span<byte> destination, long offset)
    {
        while (!destination.IsEmpty)
        {
            int read = RandomAccess.Read(handle, destination, offset);
            if (read == 0)
            {
                throw new SafeTensorsException(path, $"it ends at byte {offset}, too early");
            }

            destination = destination[read..];
            offset += read;
        }
    }
}
