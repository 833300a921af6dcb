namespace DiPaCo.Data;

/// <summary>One piece of text, the unit that a router sends to a path.</summary>
/// <param name="Text">The text; valid UTF-16 (no lone surrogates), never empty.</param>
/// <param name="Origin">
/// The original that the text was cut from: everything with one origin falls into the same split.
/// The origin field up to <c>#</c>, or the file's relative name (and the line, for files of many records).
/// </param>
/// <param name="Source">The kind of text, for reports: the source field, or the file's stem, or the folder of a .txt file.</param>
/// <param name="Location">Where it was read, for messages: <c>relative/file.jsonl.gz:12</c>.</param>
public sealed record Document(string Text, string Origin, string Source, string Location);
