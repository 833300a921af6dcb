using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Computes a <see cref="ForkSpec"/>.</summary>
internal static class ForkTask
{
    public static async Task<TaskResult> ExecuteAsync(ForkSpec spec, IBlobStore store, CancellationToken cancellationToken)
    {
        ModuleLayout layout = ModuleLayout.Of(spec.Shape, spec.Parts);
        float[] parameters = new float[checked((int)layout.Length)];

        // The base file holds the module's tensors under the same names, among others.
        ModuleFile.Read(await store.GetFileAsync(spec.Base, cancellationToken), layout, parameters);
        BlobHash module = await store.PutAsync(stream => ModuleFile.Write(stream, layout, parameters), cancellationToken);
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty.Add(OuterSpec.ModuleOutput, module), "{}");
    }
}
