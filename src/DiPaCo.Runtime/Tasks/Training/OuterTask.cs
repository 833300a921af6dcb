using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Computes an <see cref="OuterSpec"/>: memory is the module's parameters and momentum, however many paths there are. Where paths train from a
/// published version, that is made at the end.
/// </summary>
internal static class OuterTask
{
    public static async Task<TaskResult> ExecuteAsync(OuterSpec spec, int threads, IBlobStore store, CancellationToken cancellationToken)
    {
        ModuleLayout layout = ModuleLayout.Of(spec.Shape, spec.Module.Parts);
        int length = checked((int)layout.Length);
        float[] parameters = new float[length];
        float[] momentum = new float[length];
        await Task.WhenAll(
            ReadAsync(spec.Module.Blob, layout, parameters, store, cancellationToken),
            spec.Momentum is { } state ? ReadAsync(state, layout, momentum, store, cancellationToken) : Task.CompletedTask);
        OuterMetrics metrics;
        using (ContributionSums sums = await ContributionSums.OpenAsync(
            layout, spec.Folded, spec.Contributions, spec.Encoded, spec.Encoded ? null : spec.Published, store, cancellationToken))
        {
            metrics = await StepAsync(spec, parameters, momentum, sums, threads, cancellationToken);
        }

        BlobHash[] written = await Task.WhenAll(
            WriteAsync(layout, parameters, store, cancellationToken), WriteAsync(layout, momentum, store, cancellationToken));
        ImmutableSortedDictionary<string, BlobHash> outputs = ImmutableSortedDictionary<string, BlobHash>.Empty
            .Add(OuterSpec.ModuleOutput, written[0])
            .Add(OuterSpec.MomentumOutput, written[1]);
        if (spec.Download == DownloadCodec.Bf16)
        {
            Published.ThrowUnlessFinite(parameters);
            outputs = outputs.Add(OuterSpec.PublishedOutput, await store.PutAsync(stream => ModuleFile.WriteRounded(stream, layout, parameters), cancellationToken));
            metrics = metrics with { PublishedBytes = sizeof(ushort) * layout.Parameters };
        }
        else if (spec.Download.IsDelta())
        {
            // Both buffers are written down, and take θ̂: memory stays the module's parameters and momentum.
            string last = await store.GetFileAsync(spec.Published ?? spec.Module.Blob, cancellationToken);
            ModuleFile.Read(last, layout, momentum);
            byte[] delta = Published.Encode(spec.Download, parameters, momentum);
            ModuleFile.Read(last, layout, parameters);
            Published.Advance(parameters, new MemoryStream(delta));
            outputs = outputs
                .Add(OuterSpec.PublishedOutput, await store.PutAsync(stream => ModuleFile.Write(stream, layout, parameters), cancellationToken))
                .Add(OuterSpec.PublishedDeltaOutput, await store.PutAsync(delta, cancellationToken));
            metrics = metrics with { PublishedBytes = delta.Length };
        }

        return new TaskResult(outputs, JsonSerializer.Serialize(metrics, TaskJson.Options));
    }

    /// <summary>On a thread of its own: another file is read at the same time.</summary>
    private static Task ReadAsync(BlobHash blob, ModuleLayout layout, float[] values, IBlobStore store, CancellationToken cancellationToken) => Task.Run(
        async () => ModuleFile.Read(await store.GetFileAsync(blob, cancellationToken), layout, values), cancellationToken);

    /// <summary>On a thread of its own: another file is written at the same time.</summary>
    private static Task<BlobHash> WriteAsync(ModuleLayout layout, float[] values, IBlobStore store, CancellationToken cancellationToken) => Task.Run(
        () => store.PutAsync(stream => ModuleFile.Write(stream, layout, values), cancellationToken), cancellationToken);

    /// <summary>The step in place. Each thread makes every n-th piece; what is added up over pieces is added in their order.</summary>
    private static async Task<OuterMetrics> StepAsync(
        OuterSpec spec, float[] parameters, float[] momentum, ContributionSums sums, int threads, CancellationToken cancellationToken)
    {
        double[] pieceSquares = new double[sums.Pieces];
        int lanes = sums.LanesOf(threads);
        await Task.WhenAll(Enumerable.Range(0, lanes).Select(lane => Task.Run(() => MakeEvery(lanes, lane), cancellationToken)));
        double gradientSquares = 0;
        foreach (double square in pieceSquares)
        {
            gradientSquares += square;
        }

        DeltaAgreement agreement = new();
        ImmutableArray<double> deltaSquares = sums.AllSquares();
        IEnumerable<double> weights = [.. spec.Folded?.Weights ?? [], .. spec.Contributions.Select(contribution => contribution.Weight)];
        foreach ((double weight, double squares) in weights.Zip(deltaSquares))
        {
            if (weight != 0)
            {
                agreement.Add(weight, Math.Sqrt(squares));
            }
        }

        double norm = Math.Sqrt(gradientSquares);
        return new OuterMetrics(norm, agreement.MeanNorm, agreement.Cosine(norm));

        void MakeEvery(int stride, int begin)
        {
            ContributionSums.Lane lane = sums.NewLane();
            for (int piece = begin; piece < pieceSquares.Length; piece += stride)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int first = piece * ContributionSums.PieceElements;
                int count = sums.PieceAt(first);
                Span<float> theta = parameters.AsSpan(first, count);
                OuterStep step = lane.Make(first, theta);
                pieceSquares[piece] = step.GradientSquares(theta);
                step.Apply(theta, momentum.AsSpan(first, count), spec.Options);
            }
        }
    }
}
