using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Serving.Grids;

namespace DiPaCo.Serving.Export;

/// <summary>The README.md of an exported model.</summary>
internal static class ModelCard
{
    /// <summary>Of one path.</summary>
    public static string Of(ServedGrid grid, PathId path)
    {
        GridDescription model = grid.Description;
        TransformerShape shape = model.Shape;
        string modules = string.Join("\n", grid.ModulesOf(path).Select(module => $"- `{module.Definition.Id.Name}`: `{module.Blob.Hex}`"));
        return string.Create(CultureInfo.InvariantCulture, $"""
            ---
            library_name: transformers
            pipeline_tag: text-generation
            tags: [dipaco]
            ---

            # {model.Name}, path {path.Value}

            One of the {grid.Topology.Paths.Length} paths of a DiPaCo model ([arXiv 2403.10616](https://arxiv.org/abs/2403.10616)): a transformer of
            {grid.ModulesOf(path).Sum(module => module.Definition.Layout.Parameters):N0} parameters that was trained on the documents which the model's router sends to it.
            On other text it is the wrong path to ask: the whole model chooses one for each prompt.

            - {shape.Blocks} blocks of width {shape.Width}, {shape.Heads} heads, a vocabulary of {shape.Vocabulary:N0}; it has seen contexts of up to {model.SequenceLength:N0} tokens
            - after {model.PhasesDone} phases; model digest `{model.ModelDigest}`
            - every document began with the token that ends a text (`bos_token`), so prompts should begin with it too

            Its modules, by SHA-256 of their parameters:

            {modules}

            """).ReplaceLineEndings("\n");
    }

    /// <summary>Of a whole model.</summary>
    public static string Of(GridDescription model) => string.Create(CultureInfo.InvariantCulture, $"""
        # {model.Name}

        A DiPaCo model ([arXiv 2403.10616](https://arxiv.org/abs/2403.10616)) after {model.PhasesDone} phases, model digest `{model.ModelDigest}`. `manifest.json`
        says what it is and has the SHA-256 of every file: the modules, the router, the base model whose hidden states the router reads, and the tokenizer.

        ```
        dipaco serve <this folder>
        ```

        """).ReplaceLineEndings("\n");
}
