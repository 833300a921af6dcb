namespace DiPaCo.Data;

/// <summary>A document of a shard.</summary>
/// <param name="Id">Where it is.</param>
/// <param name="TokenCount">How many tokens it has, so that sequences can be counted without the corpus.</param>
public readonly record struct ShardDocument(DocumentId Id, int TokenCount);
