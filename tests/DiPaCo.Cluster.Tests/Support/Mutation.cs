using DiPaCo.Core;

namespace DiPaCo.Cluster.Tests.Support;

/// <summary>A request with some of its bytes changed, taken out, doubled or put in.</summary>
internal static class Mutation
{
    /// <summary>Mutates.</summary>
    /// <param name="request">The bytes of a request that is right.</param>
    /// <param name="special">Bytes that mean something to whoever reads it.</param>
    /// <param name="random">Draws.</param>
    public static byte[] Of(byte[] request, ReadOnlySpan<byte> special, RandomStream random)
    {
        List<byte> bytes = [.. request];
        for (int changes = 1 + random.NextInt32(4); changes > 0; changes--)
        {
            int at = random.NextInt32(bytes.Count + 1);
            int rest = bytes.Count - at;
            switch (random.NextInt32(4))
            {
                case 0 when rest > 0:
                    bytes[at] = (byte)random.NextInt32(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, Math.Min(Math.Max(0, rest - 1), random.NextInt32(20)));
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(rest, random.NextInt32(40))));
                    break;
                default:
                    bytes.Insert(at, special[random.NextInt32(special.Length)]);
                    break;
            }
        }

        return [.. bytes];
    }
}
