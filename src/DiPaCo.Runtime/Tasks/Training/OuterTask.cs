using System.Collections.Immutable;
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
        float[] buffer = new float[length];
        foreach (Contribution contribution in spec.Contributions)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ModuleFile.Read(await store.GetFileAsync(contribution.Blob, cancellationToken), layout, buffer);
            step.Fold(buffer, contribution.Weight);
        }

        float[] parameters = buffer;
        ModuleFile.Read(await store.GetFileAsync(spec.Module.Blob, cancellationToken), layout, parameters);
        float[] momentum = new float[length];
        if (spec.Momentum is { } state)
        {
            ModuleFile.Read(await store.GetFileAsync(state, cancellationToken), layout, momentum);
        }

        step.Apply(parameters, momentum, spec.Options);
        return new TaskResult(
            ImmutableSortedDictionary<string, BlobHash>.Empty
                .Add(OuterSpec.ModuleOutput, await store.PutAsync(stream => ModuleFile.Write(stream, layout, parameters), cancellationToken))
                .Add(OuterSpec.MomentumOutput, await store.PutAsync(stream => ModuleFile.Write(stream, layout, momentum), cancellationToken)),
            "{}");
    }
}
