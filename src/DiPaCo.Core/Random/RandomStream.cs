using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;

namespace DiPaCo.Core;

/// <summary>
/// A pseudo-random stream named by (seed, purpose, indices): the only source of chance in the product.
/// Two streams with different names are independent; the same name gives the same numbers on every machine.
/// The generator is xoshiro256**, seeded with the SHA-256 of the name.
/// </summary>
public sealed class RandomStream
{
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>Opens the stream of a purpose.</summary>
    /// <param name="seed">The run's pseudo-random seed.</param>
    /// <param name="purpose">What the numbers are for, for example <c>batch-order</c>.</param>
    /// <param name="indices">Further coordinates, for example path and epoch.</param>
    public RandomStream(long seed, string purpose, params ReadOnlySpan<long> indices)
    {
        byte[] name = new byte[8 + Encoding.UTF8.GetByteCount(purpose) + 1 + (8 * indices.Length)];
        BinaryPrimitives.WriteInt64LittleEndian(name, seed);
        int at = 8 + Encoding.UTF8.GetBytes(purpose, name.AsSpan(8)) + 1;
        foreach (long index in indices)
        {
            BinaryPrimitives.WriteInt64LittleEndian(name.AsSpan(at), index);
            at += 8;
        }

        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(name, digest);
        _s0 = BinaryPrimitives.ReadUInt64LittleEndian(digest);
        _s1 = BinaryPrimitives.ReadUInt64LittleEndian(digest[8..]);
        _s2 = BinaryPrimitives.ReadUInt64LittleEndian(digest[16..]);
        _s3 = BinaryPrimitives.ReadUInt64LittleEndian(digest[24..]);
    }

    /// <summary>The next 64 uniform bits.</summary>
    public ulong NextUInt64()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>A uniform integer in [0, <paramref name="exclusiveMaximum"/>), without bias (Lemire's method).</summary>
    public long NextInt64(long exclusiveMaximum)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(exclusiveMaximum);
        ulong range = (ulong)exclusiveMaximum;
        ulong high = Math.BigMul(NextUInt64(), range, out ulong low);
        if (low < range)
        {
            ulong threshold = (0 - range) % range;
            while (low < threshold)
            {
                high = Math.BigMul(NextUInt64(), range, out low);
            }
        }

        return (long)high;
    }

    /// <summary>A uniform integer in [0, <paramref name="exclusiveMaximum"/>).</summary>
    public int NextInt32(int exclusiveMaximum) => (int)NextInt64(exclusiveMaximum);

    /// <summary>A uniform number in [0, 1) with 53 random bits.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>A number of the standard normal distribution (Box–Muller, one of the pair).</summary>
    public double NextGaussian() =>
        Math.Sqrt(-2.0 * Math.Log(1.0 - NextDouble())) * Math.Cos(2.0 * Math.PI * NextDouble());

    /// <summary>Shuffles in place (Fisher–Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = (int)NextInt64(i + 1L);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }
}
