using System.Diagnostics.CodeAnalysis;
using DiPaCo.Core;

namespace DiPaCo.Cluster.Blobs;

/// <summary>Blobs as objects of a bucket or container: a prefix and the hash, so that the order of names is that of hashes.</summary>
/// <param name="prefix">What the names begin with, with its slash if it has one; empty for none.</param>
internal sealed class ObjectNames(string prefix)
{
    public string Prefix { get; } = prefix;

    public string NameOf(BlobHash hash) => Prefix + hash.Hex;

    /// <summary>The blob of an object; false for objects that are none.</summary>
    public bool TryParse([NotNullWhen(true)] string? name, out BlobHash hash)
    {
        hash = default;
        return name is not null && name.StartsWith(Prefix, StringComparison.Ordinal) && BlobHash.TryParse(name[Prefix.Length..], out hash);
    }
}
