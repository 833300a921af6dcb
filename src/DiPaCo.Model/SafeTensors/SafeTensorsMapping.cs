using System.IO.MemoryMappedFiles;

namespace DiPaCo.Model.SafeTensors;

/// <summary>
/// A safetensors file mapped into memory: its tensors are read where they lie, the operating system brings in what is touched, and all processes that
/// map the file share it. The header is checked as by <see cref="SafeTensorsReader"/>.
/// </summary>
/// <remarks>
/// Only for files that nobody writes to any more, such as blobs: they are put in place by a rename and taken away by deletion, and both leave a mapping as it
/// is. Whoever cuts such a file short ends the processes that have it mapped.
/// </remarks>
public sealed unsafe class SafeTensorsMapping : IDisposable
{
    private readonly SafeTensorsReader _reader;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;
    private bool _disposed;

    private SafeTensorsMapping(SafeTensorsReader reader, MemoryMappedFile file, MemoryMappedViewAccessor view)
    {
        _reader = reader;
        _file = file;
        _view = view;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _start);
        _start += view.PointerOffset;
    }

    /// <summary>Checks the header and maps the file.</summary>
    /// <exception cref="SafeTensorsException">The file does not exist, cannot be opened or mapped, or is not a valid safetensors file.</exception>
    public static SafeTensorsMapping Open(string path)
    {
        SafeTensorsReader reader = SafeTensorsReader.Open(path);
        MemoryMappedFile? file = null;
        try
        {
            file = MemoryMappedFile.CreateFromFile(reader.Handle, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
            return new SafeTensorsMapping(reader, file, file.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            reader.Dispose();
            throw new SafeTensorsException(path, e.Message.TrimEnd('.'), e);
        }
    }

    /// <summary>The first byte of a tensor of the expected type and shape, until <see cref="Dispose"/>. Reading only.</summary>
    /// <exception cref="SafeTensorsException">The tensor is missing or has another type or shape.</exception>
    public nint AddressOf(TensorSpec expected)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return (nint)(_start + _reader.Find(expected).FileOffset);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_disposed)
        {
            _disposed = true;
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
            _reader.Dispose();
        }
    }
}
