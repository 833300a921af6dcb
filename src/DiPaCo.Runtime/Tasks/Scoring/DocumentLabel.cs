using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>The path under which a document turned out to be likeliest.</summary>
/// <param name="Document">The document.</param>
/// <param name="Path">Its best path.</param>
/// <param name="Lead">By how much its second best path loses more, in nats; 0 where there is one path only.</param>
internal readonly record struct DocumentLabel(DocumentId Document, PathId Path, double Lead);
