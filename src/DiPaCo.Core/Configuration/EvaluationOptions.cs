using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace DiPaCo.Core.Configuration;

/// <summary>What is measured.</summary>
public sealed record EvaluationOptions
{
    /// <summary>Tokens that are the unit of re-routing: chunks are multiples of it.</summary>
    public const int RerouteCell = 16;

    /// <summary>Losses that are kept at most where documents are scored under every path: 1 GiB of them. Every document has one of its prefix and one of every cell, for each path.</summary>
    public const long MostLosses = 1L << 28;

    /// <summary>Validation perplexity after every so many phases; 0 never. Default 1.</summary>
    public int EveryPhases { get; init; } = 1;

    /// <summary>Documents of the test split that are scored at most, the same ones whatever the topology; 0 all. Default by size.</summary>
    public int MaxDocuments { get; init; }

    /// <summary>Documents of the validation split that are scored at most at each phase; 0 all. Default by size.</summary>
    public int MaxValidationDocuments { get; init; } = 256;

    /// <summary>
    /// Validation documents of its own shard that each path is scored on for early stopping, at most; 0 all. The margin of an earlier version
    /// shrinks with the root of their number, the time that they take grows with it. Default 128.
    /// </summary>
    public int MaxStoppingDocumentsPerPath { get; init; } = 128;

    /// <summary>
    /// Positions of the sequences in which the test documents are scored, under all models alike; null (<c>training</c>):
    /// <see cref="TransformerOptions.SequenceLength"/>. The paper trains on 1,024 and scores 2,048. Default null.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? SequenceLength { get; init; }

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

    /// <summary>
    /// Chunks of so many tokens are each routed by what came before them, in an evaluation of the test split for every length listed
    /// (paper §2.4.3). Multiples of <see cref="RerouteCell"/>. Default: none.
    /// </summary>
    public ImmutableArray<int> RerouteWindows { get; init; } = [];

    /// <summary>Who routes the chunks. Default: the document router, on all before the chunk, and the token router in turn.</summary>
    public ReroutingRouter RerouteRouter { get; init; } = ReroutingRouter.Both;

    /// <summary>Steps that fine-tune the token router, without warm-up. Default 2,000 (paper §7.2.2).</summary>
    public int TokenRouterSteps { get; init; } = 2000;

    /// <summary>
    /// Documents of the router split that the token router learns from at most, those of the lowest ranks, which follow from the corpus alone; 0 all (paper §7.2.2). The
    /// losses of their tokens under every path are one matrix of at most <see cref="MostLosses"/> numbers. Default by size.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int MaxTokenRouterDocuments { get; init; }

    /// <summary>
    /// Tokens L ahead that decide which path is best at a token; 0: to the end of the document. Either way one token router serves every
    /// window. Null (<c>window</c>): as many as the window W has, so that every window has a token router of its own (paper §7.2.2: hardly
    /// better). Default 0.
    /// </summary>
    public int? TokenRouterHorizon { get; init; } = 0;

    /// <summary>Tokens of each text sample in the report; 0 for none. Default 64.</summary>
    public int SampleTokens { get; init; } = 64;

    /// <summary>Whether every test document is scored under every path.</summary>
    public bool ScoresEveryPath() => RouterBounds || !RerouteWindows.IsEmpty;

    /// <summary>
    /// Tokens of the cells in which the losses under every path are kept; 0: whole documents. The finest thing that is asked for decides:
    /// the losses of whole documents are sums of cells.
    /// </summary>
    public int LossCell() => RerouteWindows.IsEmpty ? 0 : RerouteCell;

    /// <summary>The token routers that are trained: how far each looks ahead, and which windows it serves.</summary>
    public IEnumerable<(int Horizon, ImmutableArray<int> Windows)> TokenRouters() =>
        !UsesTokenRouter() ? []
        : TokenRouterHorizon is { } one ? [(one, RerouteWindows)]
        : RerouteWindows.Select(window => (window, ImmutableArray.Create(window)));

    /// <summary>Whether a token router is trained.</summary>
    public bool UsesTokenRouter() => ReroutingRouters().Contains(ReroutingRouter.Token);

    /// <summary>Those that route chunks, one after the other; none where nothing is re-routed.</summary>
    public ImmutableArray<ReroutingRouter> ReroutingRouters() => RerouteWindows.IsEmpty ? [] : RerouteRouter switch
    {
        ReroutingRouter.Both => [ReroutingRouter.Document, ReroutingRouter.Token],
        ReroutingRouter.All => [ReroutingRouter.Prefix, ReroutingRouter.Chunk, ReroutingRouter.Document, ReroutingRouter.Token],
        _ => [RerouteRouter],
    };
}
