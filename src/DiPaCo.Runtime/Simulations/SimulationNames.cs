using System.Text;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Simulations;

/// <summary>Names of blobs that nobody has.</summary>
internal static class SimulationNames
{
    /// <summary>All simulated workers round alike.</summary>
    public const string Fingerprint = "simulated";

    /// <summary>The name of what a text stands for.</summary>
    public static BlobHash BlobOf(string text) => BlobHash.Of(Encoding.UTF8.GetBytes(text));
}
