namespace DiPaCo.Runtime;

/// <summary>Documents of one source.</summary>
/// <param name="Source">Name of the source.</param>
/// <param name="Documents">Number of documents.</param>
public sealed record SourceCount(string Source, long Documents);
