namespace DiPaCo.Serving.Inference;

/// <summary>A path as a sequence goes through it: parts of loaded modules, which other paths may have in common with it.</summary>
/// <param name="embedding">The embedding.</param>
/// <param name="blocks">The blocks, bottom up.</param>
/// <param name="finalNorm">The last norm.</param>
/// <param name="head">The output matrix; the embedding's where they are tied.</param>
internal sealed class PathWeights(TableWeights embedding, BlockWeights[] blocks, GainWeights finalNorm, TableWeights head)
{
    public TableWeights Embedding { get; } = embedding;

    public IReadOnlyList<BlockWeights> Blocks { get; } = blocks;

    public GainWeights FinalNorm { get; } = finalNorm;

    public TableWeights Head { get; } = head;

    /// <summary>Puts a path together from its modules.</summary>
    /// <param name="blocks">Blocks of the stack.</param>
    /// <param name="modules">The path's modules; together they own every part once.</param>
    /// <exception cref="ArgumentException">A part is missing.</exception>
    public static PathWeights Of(int blocks, IReadOnlyList<LoadedModule> modules)
    {
        BlockWeights[] stack = new BlockWeights[blocks];
        foreach (LoadedModule module in modules)
        {
            foreach ((int number, BlockWeights block) in module.Blocks)
            {
                stack[number] = block;
            }
        }

        TableWeights? embedding = modules.Select(module => module.Embedding).FirstOrDefault(found => found is not null);
        GainWeights? norm = modules.Select(module => module.FinalNorm).FirstOrDefault(found => found is not null);
        return embedding is null || norm is null || stack.Contains(null)
            ? throw new ArgumentException($"The modules do not own every part of a transformer of {blocks} blocks.", nameof(modules))
            : new PathWeights(embedding, stack, norm, modules.Select(module => module.Head).FirstOrDefault(found => found is not null) ?? embedding);
    }
}
