using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Serving.Inference;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Sampling;

namespace DiPaCo.Serving.Scheduling;

/// <summary>One sequence to continue, to score, or only to route.</summary>
internal sealed record GenerationRequest
{
    /// <summary>The version of the model.</summary>
    public required LiveModel Model { get; init; }

    /// <summary>The newest version, where that may become another one while the sequence waits; of the same shape and tokenizer.</summary>
    public Func<LiveModel>? Newest { get; init; }

    /// <summary>The tokens to go on from, at least one.</summary>
    public required ImmutableArray<int> Prompt { get; init; }

    /// <summary>Tokens at the prompt's beginning that the client did not write.</summary>
    public int Hidden { get; init; }

    /// <summary>The path; null: the router chooses.</summary>
    public PathId? Path { get; init; }

    /// <summary>Most tokens to write; 0: none.</summary>
    public int MaxTokens { get; init; }

    /// <summary>Whether to end after routing.</summary>
    public bool RouteOnly { get; init; }

    /// <summary>How tokens are drawn.</summary>
    public SamplingOptions Sampling { get; init; } = new();

    /// <summary>Number of the sequence among those of one request: each has a stream of chance of its own.</summary>
    public int Stream { get; init; }

    /// <summary>Tokens that end the text beside the end of a document.</summary>
    public ImmutableArray<int> EndTokens { get; init; } = [];

    /// <summary>Texts before which writing ends.</summary>
    public ImmutableArray<string> Stop { get; init; } = [];

    /// <summary>Whether log probabilities of written tokens are wanted.</summary>
    public bool LogProbabilities { get; init; }

    /// <summary>Whether those of the prompt are wanted as well.</summary>
    public bool PromptLogProbabilities { get; init; }

    /// <summary>How many of the likeliest tokens to name at each place.</summary>
    public int TopLogProbabilities { get; init; }

    /// <summary>Whether and how paths are chosen anew.</summary>
    public RerouteOptions? Reroute { get; init; }

    /// <summary>What a router knows of the text that looks at origins only.</summary>
    public ulong Origin { get; init; }

    /// <summary>Positions that it has at its end.</summary>
    public int Positions => RouteOnly ? 1 : Prompt.Length + MaxTokens;

    /// <summary>Positions under the base model, by which the router looks at a text.</summary>
    public int RoutePositions => Model.Router.FeatureWidth > 0 && (Path is null || Reroute is { Router: not ReroutingRouter.Token })
        ? Math.Min(Model.Description.PrefixTokens, Prompt.Length + MaxTokens) : 0;

    /// <summary>Positions under the token router.</summary>
    public int TokenPositions => Reroute is { Router: ReroutingRouter.Token } ? Positions : 0;

    /// <summary>Pages of keys and values that it may come to need.</summary>
    public int Pages => CacheGeometry.PagesOf(Positions) + CacheGeometry.PagesOf(RoutePositions) + CacheGeometry.PagesOf(TokenPositions);

    /// <summary>Most pages of one sequence, whatever it asks for: its own, those of a prefix and those of a token router.</summary>
    /// <param name="positions">Most positions.</param>
    public static long MostPages(int positions) => 3L * CacheGeometry.PagesOf(positions);
}
