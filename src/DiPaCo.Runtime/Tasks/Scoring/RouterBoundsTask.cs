using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Data;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="RouterBoundsSpec"/>.</summary>
internal static class RouterBoundsTask
{
    /// <summary>Routes, and looks at the losses.</summary>
    /// <param name="losses">Every path's losses.</param>
    /// <param name="documents">All documents of the corpus with their features.</param>
    /// <param name="corpus">The corpus.</param>
    /// <param name="router">The router of documents.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    /// <exception cref="DiPaCoException">The losses are of another corpus, or the router of another topology.</exception>
    public static TaskResult Execute(
        LossMatrix losses, RoutedDocuments documents, TokenCorpus corpus, IRouter router, CancellationToken cancellationToken)
    {
        int[] chosen = DocumentChoices.Of(losses, documents, corpus, router, cancellationToken);
        RouterBoundsMetrics metrics = new(RouterBounds.Random(losses), RouterBounds.Oracle(losses), RouterBounds.Agreements(losses, chosen));
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(metrics, TaskJson.Options));
    }
}
