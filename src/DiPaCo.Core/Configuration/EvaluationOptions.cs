namespace DiPaCo.Core.Configuration;

/// <summary>What is measured.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Validation perplexity after every so many phases; 0 never. Default 1.</summary>
    public int EveryPhases { get; init; } = 1;

    /// <summary>Documents of the test split that are scored at most, the same ones whatever the topology; 0 all. Default by size.</summary>
    public int MaxDocuments { get; init; }

    /// <summary>Documents of the validation split that are scored at most at each phase; 0 all. Default by size.</summary>
    public int MaxValidationDocuments { get; init; } = 256;

    /// <summary>The dense model of one path's size, trained for as many steps as a path in all. Default true.</summary>
    public bool DenseEqualSteps { get; init; } = true;

    /// <summary>The same dense model trained for P times the steps: equal total training FLOPs. Default false.</summary>
    public bool DenseEqualFlops { get; init; }

    /// <summary>Where the dense models start. Default: at the fork, as the paths do.</summary>
    public DenseStart DenseStart { get; init; } = DenseStart.Fork;

    /// <summary>
    /// Bounds of what a router can do: the mean over all paths, and the best path of each test document in hindsight. Every test
    /// document is scored under every path. Default false.
    /// </summary>
    public bool RouterBounds { get; init; }

    /// <summary>Tokens of each text sample in the report; 0 for none. Default 64.</summary>
    public int SampleTokens { get; init; } = 64;
}
