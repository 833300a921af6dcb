using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DiPaCo.Core;
using DiPaCo.Model;
using DiPaCo.Model.Checkpoints;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;

namespace DiPaCo.Runtime.Recipe;

/// <summary>What the base model starts from: fresh parameters, or those of a checkpoint of the user. Afterwards the checkpoint is no longer needed.</summary>
/// <param name="session">The run.</param>
/// <param name="checkpoint">The checkpoint's folder; null: fresh parameters.</param>
internal sealed class FirstParameters(RunSession session, string? checkpoint)
{
    /// <summary>The parameters of a dense model.</summary>
    /// <exception cref="DiPaCoException">The checkpoint is damaged, has changed, or is another transformer.</exception>
    public async Task<BlobHash> MakeAsync(TransformerShape shape, CancellationToken cancellationToken) => checkpoint is null
        ? (await session.Tasks.RunAsync(new InitializeSpec(shape, session.Config.Seed), null, cancellationToken))[OuterSpec.ModuleOutput]
        : await ImportAsync(checkpoint, shape, cancellationToken);

    private async Task<BlobHash> ImportAsync(string folder, TransformerShape shape, CancellationToken cancellationToken)
    {
        (TaskKey Key, TaskResult Result)? known = session.Tasks.FindOnly(ImportSpec.TaskKind);
        if (known is { } kept && !Directory.Exists(folder))
        {
            return kept.Result[OuterSpec.ModuleOutput];
        }

        using LlamaCheckpoint opened = LlamaCheckpoint.Open(folder);
        ThrowIfOther(folder, opened.Shape, shape);
        ImportSpec spec = new(shape, await HashAsync(opened.Files, cancellationToken));
        if (known is { } before && before.Key != spec.Key())
        {
            throw new DiPaCoException($"recipe.base_model '{folder}' has changed since the run began: its files now hash to {spec.Checkpoint}. Restore it, or train into another folder (--run).");
        }

        TaskResult result = await session.Tasks.RecallAsync(spec, () => ReadAsync(opened, shape, cancellationToken), cancellationToken);
        return result[OuterSpec.ModuleOutput];
    }

    private async Task<TaskResult> ReadAsync(LlamaCheckpoint opened, TransformerShape shape, CancellationToken cancellationToken)
    {
        ModuleLayout layout = ModuleLayout.Of(shape, TransformerPart.All(shape.Blocks));
        float[] parameters = new float[checked((int)layout.Length)];
        opened.ReadInto(shape, layout, parameters);
        BlobHash module = await session.Store.PutAsync(stream => ModuleFile.Write(stream, layout, parameters), cancellationToken);
        return new TaskResult(ImmutableSortedDictionary<string, BlobHash>.Empty.Add(OuterSpec.ModuleOutput, module), "{}");
    }

    private static async Task<BlobHash> HashAsync(ImmutableArray<string> files, CancellationToken cancellationToken)
    {
        StringBuilder list = new();
        foreach (string file in files)
        {
            await using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan | FileOptions.Asynchronous);
            list.Append(Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken))).Append('\n');
        }

        return BlobHash.Of(Encoding.UTF8.GetBytes(list.ToString()));
    }

    private static void ThrowIfOther(string folder, TransformerShape found, TransformerShape wanted)
    {
        if (found.Vocabulary < wanted.Vocabulary)
        {
            throw new DiPaCoException(
                $"recipe.base_model '{folder}' has a vocabulary of {found.Vocabulary:N0}, fewer than the {wanted.Vocabulary:N0} entries of tokenizer.file: they do not belong together. Expected the checkpoint's own tokenizer.");
        }

        // Entries behind those of the tokenizer are padding that no token asks for.
        if (found with { Vocabulary = wanted.Vocabulary } != wanted)
        {
            throw new DiPaCoException(string.Create(
                CultureInfo.InvariantCulture,
                $"recipe.base_model '{folder}' is another transformer than this configuration's. Expected topology.levels with {found.Blocks} blocks in all, and: transformer: {{ {Yaml(found)} }}"));
        }
    }

    private static string Yaml(TransformerShape shape) => string.Create(
        CultureInfo.InvariantCulture,
        $"width: {shape.Width}, heads: {shape.Heads}, key_value_heads: {shape.KeyValueHeads}, head_width: {shape.HeadWidth}, feed_forward: {shape.FeedForward}, activation: {(shape.Activation == Activation.SwiGlu ? "swiglu" : "gelu")}, tied_embedding: {(shape.TiedEmbedding ? "true" : "false")}, rope_base: {shape.RopeBase}, norm_epsilon: {shape.NormEpsilon}");
}
