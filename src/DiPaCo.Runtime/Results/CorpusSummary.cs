namespace DiPaCo.Runtime;

/// <summary>The corpus in numbers.</summary>
/// <param name="Documents">Documents read.</param>
/// <param name="Bytes">UTF-8 bytes of their text.</param>
/// <param name="Tokens">Tokens.</param>
/// <param name="Vocabulary">Entries of the vocabulary.</param>
/// <param name="TrainDocuments">Documents to train on.</param>
/// <param name="ValidationDocuments">Documents of the validation split.</param>
/// <param name="TestDocuments">Documents of the test split.</param>
/// <param name="RouterDocuments">Documents kept for routers.</param>
/// <param name="BadRecords">Records that could not be read.</param>
public sealed record CorpusSummary(
    long Documents, long Bytes, long Tokens, int Vocabulary, long TrainDocuments,
    long ValidationDocuments, long TestDocuments, long RouterDocuments, long BadRecords);
