namespace DiPaCo.Data;

/// <summary>A piece of text and how often it occurs.</summary>
internal readonly record struct WordCount(string Word, long Count);
