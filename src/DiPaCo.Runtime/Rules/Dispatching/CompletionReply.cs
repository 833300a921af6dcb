using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>The answer to a delivery.</summary>
/// <param name="Lease">The lease.</param>
/// <param name="Verdict">What became of it.</param>
/// <param name="Reason">Why, for people; null: it was taken.</param>
/// <param name="Present">In a contradiction: digest of the result that counts.</param>
/// <param name="Delivered">In a contradiction or refusal: digest of the result that does not.</param>
public sealed record CompletionReply(
    LeaseNumber Lease, CompletionVerdict Verdict, string? Reason = null, BlobHash? Present = null, BlobHash? Delivered = null);
