namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>evaluation</c>.</summary>
internal static class EvaluationSection
{
    public static EvaluationOptions Read(SectionReader section, SizeTable filled)
    {
        EvaluationOptions defaults = new();
        Bounds documents = new(0, int.MaxValue);
        EvaluationOptions options = new()
        {
            EveryPhases = section.Count("every_phases", filled.EveryPhases, new Bounds(0, 1_000_000), "Validation perplexity after every so many phases; 0: never."),
            MaxValidationDocuments = section.Count("max_validation_documents", filled.MaxValidationDocuments, documents, "Documents of the validation split scored at each phase; 0: all."),
            MaxStoppingDocumentsPerPath = section.Count("max_stopping_documents_per_path", defaults.MaxStoppingDocumentsPerPath, documents, "Validation documents of its shard that say whether a path does worse than before (recipe.early_stopping); 0: all."),
            MaxDocuments = section.Count("max_documents", filled.MaxDocuments, documents, "Documents of the test split scored at the end; 0: all."),
            SequenceLength = section.CountOrWord("sequence_length", defaults.SequenceLength, new Bounds(2, 1_048_576), "training", "Positions in which test documents are scored, under all models alike; training: transformer.sequence_length."),
            MaxTokenRouterDocuments = section.Count("max_token_router_documents", filled.MaxTokenRouterDocuments, documents, "Documents of the router split that the token router learns from; 0: all."),
            DenseEqualSteps = section.Flag("dense_equal_steps", defaults.DenseEqualSteps, "Compare with a dense model of one path's size at equal steps."),
            DenseEqualFlops = section.Flag("dense_equal_flops", defaults.DenseEqualFlops, "Compare with the same dense model trained for P times the steps."),
            DenseStart = section.Word("dense_start", defaults.DenseStart, "Where the dense models start: fork (from the base model) or scratch."),
            RouterBounds = section.Flag("router_bounds", defaults.RouterBounds, "Score the test documents under every path: how a random and an all-knowing router would do."),
            RerouteWindows = section.Counts("reroute_windows", defaults.RerouteWindows, new Bounds(EvaluationOptions.RerouteCell, 1 << 20), EvaluationOptions.RerouteCell, "Test documents routed anew every so many tokens: a list such as [16, 64]; []: never."),
            RerouteRouter = section.Word("reroute_router", defaults.RerouteRouter, "Who routes anew: the document router on all of the document before (document), on the chunk before (chunk) or on the last few tokens (prefix); token (a fine-tuned transformer); both: document and token; all."),
            TokenRouterSteps = section.Count("token_router_steps", defaults.TokenRouterSteps, new Bounds(1, 100_000_000), "Steps that fine-tune the token router."),
            TokenRouterHorizon = section.CountOrWord("token_router_horizon", defaults.TokenRouterHorizon, new Bounds(0, 1 << 20), "window", "Tokens ahead that say which path is best at a token; 0: to the end; window: a router for every window, which looks as far."),
            SampleTokens = section.Count("sample_tokens", defaults.SampleTokens, new Bounds(0, 100_000), "Tokens of each text sample in the report; 0: none."),
        };
        section.Finish();
        return options;
    }
}
