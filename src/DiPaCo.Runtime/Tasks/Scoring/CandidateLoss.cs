using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a document loses under one of its candidates, in nats.</summary>
/// <param name="Document">The document.</param>
/// <param name="Path">The candidate.</param>
/// <param name="Prefix">Loss of its prefix.</param>
/// <param name="Rest">Loss of what follows.</param>
internal readonly record struct CandidateLoss(DocumentId Document, PathId Path, float Prefix, float Rest)
{
    /// <summary>Loss of the whole document.</summary>
    public double Whole => (double)Prefix + Rest;
}
