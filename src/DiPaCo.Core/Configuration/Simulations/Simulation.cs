using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>A run on machines that are not there: which run, and which fleets of workers.</summary>
public sealed record Simulation
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The run.</summary>
    public required LoadedConfig Run { get; init; }

    /// <summary>Pseudo-random seed of speeds, failures and times of the day.</summary>
    public required long Seed { get; init; }

    /// <summary>Phases that are simulated, the first of the run.</summary>
    public required int Phases { get; init; }

    /// <summary>Tokens of the corpus: what the shards that travel to workers weigh.</summary>
    public required long CorpusTokens { get; init; }

    /// <summary>Numbers of workers; each is a simulation of its own.</summary>
    public required ImmutableArray<int> Workers { get; init; }

    /// <summary>What the workers are like.</summary>
    public required SimulatedWorkers Worker { get; init; }

    /// <summary>What the silos are like.</summary>
    public required SimulatedSilo Silo { get; init; }
}
