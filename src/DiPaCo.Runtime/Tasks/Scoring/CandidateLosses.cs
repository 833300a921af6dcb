using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Data;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Losses of documents under candidates: n numbers a document instead of the P of a <see cref="LossMatrix"/>. A path that is missing is
/// worse than every path that is there.
/// </summary>
internal sealed class CandidateLosses
{
    /// <summary>Most losses: 1 GiB with what they belong to.</summary>
    public const long Most = LossMatrix.MostElements / 4;

    /// <summary>Keeps losses.</summary>
    /// <param name="losses">Ascending by document, then path.</param>
    public CandidateLosses(ImmutableArray<CandidateLoss> losses) => All = losses;

    /// <summary>The losses, ascending by document, then path.</summary>
    public ImmutableArray<CandidateLoss> All { get; }

    /// <summary>Refuses more losses than are possible, before they are made.</summary>
    /// <exception cref="DiPaCoException">There would be too many.</exception>
    public static void ThrowIfTooMany(long documents, int candidates)
    {
        if (documents * candidates > Most)
        {
            throw new DiPaCoException(
                $"The losses of {documents:N0} documents under {candidates:N0} candidates each are too many numbers; {Most:N0} are possible. "
                + "Score fewer documents (discriminative.max_documents) or fewer candidates (discriminative.candidates).");
        }
    }

    /// <summary>The best candidate of each document, the lowest id among equals.</summary>
    /// <param name="parts">The losses of all branches; a document's candidates may be spread over them.</param>
    /// <param name="candidates">Candidates that each document has in all parts together.</param>
    /// <returns>Labels in the order of the corpus.</returns>
    /// <exception cref="DiPaCoException">A document has another number of candidates, or one of them twice.</exception>
    public static ImmutableArray<DocumentLabel> Labels(IReadOnlyList<CandidateLosses> parts, int candidates)
    {
        CandidateLoss[] all = [.. parts.SelectMany(part => part.All)];
        Array.Sort(all, (one, other) => (one.Document, one.Path).CompareTo((other.Document, other.Path)));
        ImmutableArray<DocumentLabel>.Builder labels = ImmutableArray.CreateBuilder<DocumentLabel>(all.Length / candidates);
        for (int first = 0; first < all.Length; first += candidates)
        {
            DocumentId document = all[first].Document;
            int last = first + candidates - 1;
            bool complete = last < all.Length && all[last].Document == document && (last + 1 == all.Length || all[last + 1].Document != document);
            int best = first;
            double second = double.PositiveInfinity;
            for (int at = first + 1; complete && at <= last; at++)
            {
                complete = all[at].Path > all[at - 1].Path;
                second = Math.Min(second, Math.Max(all[at].Loss, all[best].Loss));
                best = all[at].Loss < all[best].Loss ? at : best;
            }

            labels.Add(complete
                ? new DocumentLabel(document, all[best].Path, candidates == 1 ? 0 : second - all[best].Loss)
                : throw new DiPaCoException(
                    $"Document {document} was not scored under {candidates} different candidates. The run is damaged: 'dipaco verify' says more."));
        }

        return labels.DrainToImmutable();
    }
}
