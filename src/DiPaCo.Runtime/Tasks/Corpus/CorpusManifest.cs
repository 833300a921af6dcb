using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a corpus was when the run began.</summary>
/// <param name="Content">SHA-256 over all documents in order: text, origin, source and location.</param>
/// <param name="Documents">Documents.</param>
/// <param name="Bytes">UTF-8 bytes of their text.</param>
/// <param name="Train">Documents to train on.</param>
/// <param name="Validation">Documents of the validation split.</param>
/// <param name="Test">Documents of the test split.</param>
/// <param name="Router">Documents kept for routers.</param>
/// <param name="BadRecords">Records that could not be read.</param>
public sealed record CorpusManifest(
    BlobHash Content, long Documents, long Bytes, long Train, long Validation, long Test, long Router, long BadRecords);
