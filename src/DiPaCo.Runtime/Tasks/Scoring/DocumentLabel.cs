using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>The path under which a document turned out to be likeliest.</summary>
/// <param name="Document">The document.</param>
/// <param name="Path">Its best path.</param>
internal readonly record struct DocumentLabel(DocumentId Document, PathId Path);
