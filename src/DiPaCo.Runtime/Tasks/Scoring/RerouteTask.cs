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
        ImmutableArray<int[]> choices = spec.Router switch
        {
            ReroutingRouter.Prefix => Alike(chooser.ByPrefix(router, model, first)),
            ReroutingRouter.Token => Alike(chooser.ByToken(model)),
            ReroutingRouter.Chunk => chooser.ByFeatures(router, model, first, spec.Windows, ofAllBefore: false),
            ReroutingRouter.Document => chooser.ByFeatures(router, model, first, spec.Windows, ofAllBefore: true),
            _ => throw new ArgumentException($"'{spec.Router}' is not one router.", nameof(spec)),
        };
        RerouteMetrics metrics = new([.. spec.Windows.Zip(choices, (window, chosen) => ReroutePolicy.Of(losses, first, chosen, window))]);
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty, JsonSerializer.Serialize(metrics, TaskJson.Options));

        // What such a router says at a cell does not depend on where the chunk before began.
        ImmutableArray<int[]> Alike(int[] chosen) => [.. spec.Windows.Select(_ => chosen)];
    }
}
