using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// Computes an <see cref="OuterSpec"/> piece by piece: all contributions to a piece while it is in the cache, so that every byte is read once
/// and memory is the module's parameters and momentum, however many paths there are. Where paths train from a published version, that is made at the end.
/// </summary>
internal static class OuterTask
{
    // Sums in double precision, parameters, momentum and a contribution of a piece: 20 bytes each, a part of a core's own cache.
    private const int PieceElements = 1 << 15;

    public static async Task<TaskResult> ExecuteAsync(OuterSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        ModuleLayout layout = ModuleLayout.Of(spec.Shape, spec.Module.Parts);
        int length = checked((int)layout.Length);
        float[] parameters = new float[length];
        float[] momentum = new float[length];
        ModuleFile.Read(await store.GetFileAsync(spec.Module.Blob, cancellationToken), layout, parameters);
        if (spec.Momentum is { } state)
        {
            ModuleFile.Read(await store.GetFileAsync(state, cancellationToken), layout, momentum);
        }

        string? published = spec.Published is { } before ? await store.GetFileAsync(before, cancellationToken) : null;
        List<ContributionPieces> ends = [];
        OuterMetrics metrics;
        try
        {
            foreach (Contribution contribution in spec.Contributions)
            {
                ends.Add(new ContributionPieces(await store.GetFileAsync(contribution.Blob, cancellationToken), layout, spec.Encoded));
            }

            using ModulePieces? start = published is null || spec.Encoded ? null : new ModulePieces(published, layout, mayBeRounded: true);
            metrics = Step(spec, parameters, momentum, ends, start, cancellationToken);
        }
        finally
        {
            ends.ForEach(end => end.Dispose());
        }

        ImmutableSortedDictionary<string, BlobHash> outputs = ImmutableSortedDictionary<string, BlobHash>.Empty
            .Add(OuterSpec.ModuleOutput, await store.PutAsync(stream => ModuleFile.Write(stream, layout, parameters), cancellationToken))
            .Add(OuterSpec.MomentumOutput, await store.PutAsync(stream => ModuleFile.Write(stream, layout, momentum), cancellationToken));
        if (spec.Download == DownloadCodec.Bf16)
        {
            Published.ThrowUnlessFinite(parameters);
            outputs = outputs.Add(OuterSpec.PublishedOutput, await store.PutAsync(stream => ModuleFile.WriteRounded(stream, layout, parameters), cancellationToken));
            metrics = metrics with { PublishedBytes = sizeof(ushort) * layout.Parameters };
        }
        else if (spec.Download.IsDelta())
        {
            // Both buffers are written down, and take θ̂: memory stays the module's parameters and momentum.
            string last = published ?? await store.GetFileAsync(spec.Module.Blob, cancellationToken);
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

    /// <summary>The step in place.</summary>
    private static OuterMetrics Step(OuterSpec spec, float[] parameters, float[] momentum, List<ContributionPieces> ends, ModulePieces? start, CancellationToken cancellationToken)
    {
        double gradientSquares = 0;
        double[] deltaSquares = new double[ends.Count];
        float[] end = new float[PieceElements];
        float[] begun = start is null ? [] : new float[PieceElements];
        OuterStep step = new(Math.Min(PieceElements, parameters.Length));
        for (int first = 0; first < parameters.Length; first += PieceElements)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(PieceElements, parameters.Length - first);
            if (count == step.Length)
            {
                step.Restart();
            }
            else
            {
                step = new OuterStep(count);
            }

            Span<float> theta = parameters.AsSpan(first, count);
            Span<float> thetaHat = begun.AsSpan(0, start is null ? 0 : count);
            start?.Read(first, thetaHat);
            for (int i = 0; i < ends.Count; i++)
            {
                ends[i].Read(first, theta, thetaHat, end.AsSpan(0, count));
                deltaSquares[i] += step.Fold(theta, end.AsSpan(0, count), spec.Contributions[i].Weight);
            }

            gradientSquares += step.GradientSquares(theta);
            step.Apply(theta, momentum.AsSpan(first, count), spec.Options);
        }

        DeltaAgreement agreement = new();
        for (int i = 0; i < ends.Count; i++)
        {
            if (spec.Contributions[i].Weight == 0)
            {
                continue;
            }

            if (!double.IsFinite(deltaSquares[i]))
            {
                throw new NonFiniteStepException(
                    $"The outer gradient of path {spec.Contributions[i].Path} has the squared norm {deltaSquares[i]}; a finite number was expected. Lower the inner learning rate, or lengthen its warm-up.");
            }

            agreement.Add(spec.Contributions[i].Weight, Math.Sqrt(deltaSquares[i]));
        }

        double norm = Math.Sqrt(gradientSquares);
        return new OuterMetrics(norm, agreement.MeanNorm, agreement.Cosine(norm));
    }
}
