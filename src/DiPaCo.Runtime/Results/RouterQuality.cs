using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace DiPaCo.Runtime;

/// <summary>How a router of documents divides held-out documents among the paths, and how often it is right.</summary>
/// <param name="Documents">Documents that were routed.</param>
/// <param name="Entropy">Entropy of the distribution of documents over paths, in bits: 0 where all go to one path, log2 P where all paths get equally many.</param>
/// <param name="EntropyShare">The same as a share of log2 P; null where there is one path only.</param>
/// <param name="OracleAgreement">
/// Share of the documents that go to the path that is best for them in hindsight, the first among equals; null where not all paths were
/// scored (<c>evaluation.router_bounds</c>).
/// </param>
public sealed record RouterQuality(
    long Documents, double Entropy, double? EntropyShare,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? OracleAgreement)
{
    /// <summary>Measures.</summary>
    /// <param name="documents">Documents of each path; paths without any count as paths.</param>
    /// <param name="agreements">Documents that go to the oracle's path; null where it is not known.</param>
    public static RouterQuality Of(ImmutableArray<long> documents, long? agreements)
    {
        long all = documents.Sum();
        double entropy = 0;
        foreach (long count in documents)
        {
            // x log x goes to 0 with x: a path without documents adds nothing.
            entropy += count == 0 ? 0 : (double)count / all * Math.Log2((double)all / count);
        }

        return new RouterQuality(
            all, entropy, documents.Length > 1 ? entropy / Math.Log2(documents.Length) : null, all == 0 ? null : (double?)agreements / all);
    }
}
