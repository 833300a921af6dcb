using TorchSharp;
using static TorchSharp.torch;

namespace DiPaCo.Model.Buffers;

/// <summary>
/// A tensor that is allocated once and used again and again: [rows, columns], or [rows] if it has no columns.
/// It grows when more rows are asked for than ever before; asking for fewer only narrows <see cref="Value"/>.
/// </summary>
internal sealed unsafe class TensorBuffer : IDisposable
{
    private readonly long _columns;
    private readonly ScalarType _type;
    private readonly Device _device;
    private Tensor? _storage;
    private Tensor? _value;
    private Tensor? _transposed;
    private byte* _pointer;

    public TensorBuffer(long columns, ScalarType type, Device device, long rows = 0)
    {
        _columns = columns;
        _type = type;
        _device = device;
        if (rows > 0)
        {
            Resize(rows);
        }
    }

    /// <summary>Rows in use.</summary>
    public long Rows { get; private set; }

    /// <summary>Columns; 0: none.</summary>
    public long Columns => _columns;

    /// <summary>Elements in use.</summary>
    public long Length => Rows * Math.Max(1, _columns);

    /// <summary>Bytes allocated, also for rows that are not in use.</summary>
    public long Bytes => _storage is null ? 0 : _storage.NumberOfElements * _storage.ElementSize;

    public ScalarType Type => _type;

    /// <summary>The rows in use as a tensor. Owned by the buffer and valid until the next <see cref="Resize"/>.</summary>
    public Tensor Value => _value ?? throw new InvalidOperationException("The buffer has no rows yet.");

    /// <summary><see cref="Value"/> with its dimensions exchanged.</summary>
    public Tensor Transposed => _transposed ??= Value.t().DetachFromDisposeScope();

    /// <summary>Whether <see cref="Pointer"/> can be used.</summary>
    public bool IsOnCpu => _device.type == DeviceType.CPU;

    /// <summary>The first element. Only on the CPU.</summary>
    public void* Pointer => _pointer != null ? _pointer : throw new InvalidOperationException("The buffer is not in the memory of the CPU.");

    public float* Floats => (float*)Pointer;

    /// <summary>Makes <paramref name="rows"/> rows available. What they contain is undefined after growth.</summary>
    public void Resize(long rows)
    {
        if (rows == Rows)
        {
            return;
        }

        using (DisposeScope scope = NewDisposeScope())
        {
            if (_storage is null || rows > _storage.shape[0])
            {
                Dispose();
                _storage = empty(_columns > 0 ? [rows, _columns] : [rows], dtype: _type, device: _device).DetachFromDisposeScope();
                _pointer = _device.type == DeviceType.CPU ? AddressOf(_storage) : null;
            }

            DisposeViews();
            _value = _storage.narrow(0, 0, rows).DetachFromDisposeScope();
        }

        Rows = rows;
    }

    /// <summary>Sets every element in use to zero.</summary>
    public void Clear()
    {
        // libtorch's operation in place hands out a second handle of the tensor, which the scope releases.
        using DisposeScope scope = NewDisposeScope();
        Value.zero_();
    }

    public void Dispose()
    {
        DisposeViews();
        _storage?.Dispose();
        _storage = null;
        _pointer = null;
        Rows = 0;
    }

    private void DisposeViews()
    {
        _transposed?.Dispose();
        _value?.Dispose();
        _transposed = null;
        _value = null;
    }

    private static byte* AddressOf(Tensor storage)
    {
        using Tensor flat = storage.view(-1);
        using Tensor first = flat.narrow(0, 0, 1);
        fixed (byte* address = first.bytes)
        {
            return address;
        }
    }
}
