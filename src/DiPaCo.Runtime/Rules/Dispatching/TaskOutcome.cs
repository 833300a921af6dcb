using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>The result of a task, and who computed it.</summary>
/// <param name="Outputs">Its blobs by name.</param>
/// <param name="Metrics">Small results as JSON; pure like the blobs.</param>
/// <param name="Worker">Who computed it.</param>
/// <param name="Fingerprint">The numerics fingerprint of that worker.</param>
/// <param name="Lease">The lease under which it came.</param>
public sealed record TaskOutcome(
    ImmutableSortedDictionary<string, BlobHash> Outputs, string Metrics, WorkerId Worker, string Fingerprint, LeaseNumber Lease)
{
    /// <summary>One hash of all that is pure in it.</summary>
    public BlobHash Digest() => DigestOf(Outputs, Metrics);

    /// <summary>One hash of outputs and metrics.</summary>
    public static BlobHash DigestOf(ImmutableSortedDictionary<string, BlobHash> outputs, string metrics)
    {
        StringBuilder text = new();
        foreach ((string name, BlobHash blob) in outputs)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name.Length} {name} {blob.Hex}\n");
        }

        return BlobHash.Of(Encoding.UTF8.GetBytes(text.Append(metrics).ToString()));
    }

    /// <summary>Whether another result is the same, byte for byte.</summary>
    public bool Equals(ImmutableSortedDictionary<string, BlobHash> outputs, string metrics)
    {
        if (outputs.Count != Outputs.Count || metrics != Metrics)
        {
            return false;
        }

        foreach ((string name, BlobHash blob) in Outputs)
        {
            if (!outputs.TryGetValue(name, out BlobHash other) || other != blob)
            {
                return false;
            }
        }

        return true;
    }
}
