using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Data;
using DiPaCo.Model;
using DiPaCo.Routing;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="RerouteSpec"/>.</summary>
internal static class RerouteTask
{
    /// <summary>Routes and adds up.</summary>
    /// <param name="spec">The task.</param>
    /// <param name="losses">Every path's losses.</param>
    /// <param name="documents">All documents of the corpus with their features.</param>
    /// <param name="corpus">The corpus.</param>
    /// <param name="router">The router of documents.</param>
    /// <param name="model">The base model, or the token router.</param>
    /// <param name="cancellationToken">Ends the task.</param>
    public static TaskResult Execute(
        RerouteSpec spec, LossMatrix losses, RoutedDocuments documents, TokenCorpus corpus, IRouter router, PathModel model,
        CancellationToken cancellationToken)
    {
        if (model.Shape.Outputs is { } outputs && outputs != losses.Paths.Length)
        {
            throw new DiPaCoException($"The token router has {outputs} outputs for {losses.Paths.Length} paths. It belongs to another topology.");
        }

        ChunkChoices chooser = new(losses, corpus, spec.Sequences, cancellationToken);
        int[] first = DocumentChoices.Of(losses, documents, corpus, router, cancellationToken);
        int[] choices = spec.Router == ReroutingRouter.Token ? chooser.ByToken(model) : chooser.ByPrefix(router, model, first);
        RerouteMetrics metrics = new([.. spec.Windows.Select(window => ReroutePolicy.Of(losses, first, choices, window))]);
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(metrics, TaskJson.Options));
    }
}
