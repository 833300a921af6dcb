using DiPaCo.Core.Configuration;

namespace DiPaCo.Core.Planning;

/// <summary>The text as a plan takes it to be.</summary>
/// <param name="Documents">Documents.</param>
/// <param name="Tokens">Their tokens.</param>
/// <param name="SequencesPerDocument">Sequences that evaluation makes of a document, on average: the prefix is repeated in each.</param>
/// <param name="Basis">How well this is known.</param>
public sealed record PlannedCorpus(long Documents, long Tokens, double SequencesPerDocument, CorpusBasis Basis)
{
    /// <summary>Where the text is not there: as many tokens as one path trains on, in documents of one sequence.</summary>
    /// <param name="config">The run.</param>
    public static PlannedCorpus Assumed(RunConfig config)
    {
        RecipeOptions recipe = config.Recipe;
        long steps = recipe.BaseSteps + ((long)recipe.Phases * recipe.InnerSteps);
        long documents = steps * recipe.BatchSequences;
        return new PlannedCorpus(documents, documents * config.Transformer.SequenceLength, 1, CorpusBasis.Assumed);
    }
}
