namespace DiPaCo.Runtime;

/// <summary>What a path has read of a document in a phase.</summary>
/// <param name="Origin">Hash of the document's origin, 16 hexadecimal digits: documents of one origin share it.</param>
/// <param name="Source">Where the document is from; empty: the corpus does not say.</param>
/// <param name="Chunk">Number of the shard's token chunk that holds it, from 0.</param>
/// <param name="Document">Number of the document in that chunk, from 0.</param>
/// <param name="Sequences">Sequences of it that were read, repetitions counted.</param>
/// <param name="Tokens">Its scored tokens, repetitions counted.</param>
public sealed record DocumentConsumption(string Origin, string Source, int Chunk, int Document, int Sequences, long Tokens);
