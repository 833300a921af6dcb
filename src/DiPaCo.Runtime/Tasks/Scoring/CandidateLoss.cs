using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a document loses under one of its candidates.</summary>
/// <param name="Document">The document.</param>
/// <param name="Path">The candidate.</param>
/// <param name="Loss">Loss of the whole document, its prefix included, in nats.</param>
internal readonly record struct CandidateLoss(DocumentId Document, PathId Path, float Loss);
