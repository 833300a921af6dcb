using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;
using DiPaCo.Training;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes an <see cref="OuterSpec"/>.</summary>
internal static class OuterTask
{
    public static async Task<TaskResult> ExecuteAsync(OuterSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        ModuleLayout layout = ModuleLayout.Of(spec.Shape, spec.Module.Parts);
        int length = checked((int)layout.Length);
        OuterStep step = new(length);
        DeltaAgreement agreement = new();
        float[] parameters = new float[length];
        ModuleFile.Read(await store.GetFileAsync(spec.Module.Blob, cancellationToken), layout, parameters);
        float[] buffer = new float[length];
        foreach (Contribution contribution in spec.Contributions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ModuleFile.Read(await store.GetFileAsync(contribution.Blob, cancellationToken), layout, buffer);
            double deltaNorm = OuterStep.DeltaNorm(parameters, buffer);
            if (!double.IsFinite(deltaNorm))
            {
                throw new NonFiniteStepException(
                    $"The outer gradient of path {contribution.Path} has the norm {deltaNorm}; a finite number was expected. Lower the inner learning rate, or lengthen its warm-up.");
            }

            step.Fold(buffer, contribution.Weight);
            agreement.Add(contribution.Weight, deltaNorm);
        }

        double norm = step.GradientNorm(parameters);
        OuterMetrics metrics = new(norm, agreement.MeanNorm, agreement.Cosine(norm));
        float[] momentum = buffer;
        Array.Clear(momentum);
        if (spec.Momentum is { } state)
        {
            ModuleFile.Read(await store.GetFileAsync(state, cancellationToken), layout, momentum);
        }

        step.Apply(parameters, momentum, spec.Options);
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty
                .Add(OuterSpec.ModuleOutput, await store.PutAsync(stream => ModuleFile.Write(stream, layout, parameters), cancellationToken))
                .Add(OuterSpec.MomentumOutput, await store.PutAsync(stream => ModuleFile.Write(stream, layout, momentum), cancellationToken)),
            JsonSerializer.Serialize(metrics, TaskJson.Options));
    }
}
