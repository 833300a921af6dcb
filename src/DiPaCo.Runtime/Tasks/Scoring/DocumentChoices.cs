using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Where a router of documents sends those of a loss matrix.</summary>
internal static class DocumentChoices
{
    /// <summary>The column of each scored document.</summary>
    /// <param name="losses">The losses.</param>
    /// <param name="documents">All documents of the corpus with their features.</param>
    /// <param name="corpus">The corpus.</param>
    /// <param name="router">The router.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <exception cref="DiPaCoException">The losses are of another corpus, or the router of another topology.</exception>
    public static int[] Of(
        LossMatrix losses, RoutedDocuments documents, TokenCorpus corpus, IRouter router, CancellationToken cancellationToken)
    {
        int[] numbers = new int[losses.Documents.Length];
        for (int d = 0; d < numbers.Length; d++)
        {
            losses.ThrowUnlessOf(corpus, d);
            numbers[d] = Array.BinarySearch(documents.Ids, losses.Documents[d].Id);
        }

        return numbers.Length == 0 ? [] :
            [.. router.Route(documents.Input.Select(numbers), cancellationToken: cancellationToken).Select(losses.ColumnOf)];
    }
}
