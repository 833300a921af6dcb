using DiPaCo.Serving.Scheduling;

namespace DiPaCo.Serving.Http;

/// <summary>What one request may ask for.</summary>
public sealed record ServingLimits
{
    /// <summary>Most tokens of a prompt. Default: the model's context.</summary>
    public int MaxPromptTokens { get; init; } = int.MaxValue;

    /// <summary>Most tokens written for one sequence. Default 4,096.</summary>
    public int MaxOutputTokens { get; init; } = 4_096;

    /// <summary>Most sequences of one request. Default 128.</summary>
    public int MaxPromptsPerRequest { get; init; } = 128;

    /// <summary>
    /// Most log probabilities that one answer may have to name: sequences × tokens × (1 + likeliest tokens). All of them are in memory until the
    /// answer is sent. Default 1,048,576.
    /// </summary>
    public int MaxLogProbabilities { get; init; } = 1 << 20;

    /// <summary>Most bytes of a request's body. Default 4 MiB.</summary>
    public long MaxBodyBytes { get; init; } = 4 << 20;

    /// <summary>Most connections at a time. Default 1,100.</summary>
    public int MaxConnections { get; init; } = 1_100;

    /// <summary>How long a request may take. Default 10 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Re-routing of requests that do not say anything of it; null: none.</summary>
    public RerouteOptions? Reroute { get; init; }
}
