using DiPaCo.Core;
using DiPaCo.Core.Configuration;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Reads the whole corpus once: counts, checks and hashes it. This is where the outside world enters a run; everything after it
/// is a pure function of blobs. Output: <c>manifest</c>, a <see cref="CorpusManifest"/>.
/// </summary>
/// <param name="Data">Where the text comes from, as the configuration states it.</param>
public sealed record CorpusSpec(DataOptions Data) : TaskSpec
{
    /// <summary><see cref="Kind"/>; a run has one task of it.</summary>
    public const string TaskKind = "corpus";

    /// <summary>Name of the output.</summary>
    public const string Output = "manifest";

    /// <inheritdoc/>
    public override string Kind => TaskKind;

    /// <inheritdoc/>
    public override IEnumerable<BlobHash> Inputs => [];
}
