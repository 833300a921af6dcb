using System.Collections.Immutable;

namespace DiPaCo.Runtime.Simulations;

/// <summary>What a simulated fleet has done. Shares are of the time that workers were there.</summary>
public sealed record FleetResult
{
    /// <summary>Workers, those beside the store left out.</summary>
    public required int Workers { get; init; }

    /// <summary>Phases.</summary>
    public required int Phases { get; init; }

    /// <summary>Virtual wall-clock time.</summary>
    public required double Seconds { get; init; }

    /// <summary>Virtual time from one phase's end to the next: the first one fetches every shard.</summary>
    public required ImmutableArray<double> PhaseSeconds { get; init; }

    /// <summary>Share in which they computed.</summary>
    public required double Computing { get; init; }

    /// <summary>Share in which they had tasks, but not yet their inputs.</summary>
    public required double WaitingForInputs { get; init; }

    /// <summary>Share in which they could take no task, because outputs of earlier ones were on their way.</summary>
    public required double WaitingForOutputs { get; init; }

    /// <summary>Share in which there was no task for them.</summary>
    public required double WithoutTask { get; init; }

    /// <summary>Share of the wall-clock time in which workers were there.</summary>
    public required double Online { get; init; }

    /// <summary>Bytes from the store to workers.</summary>
    public required double BytesDown { get; init; }

    /// <summary>Bytes from workers to the store.</summary>
    public required double BytesUp { get; init; }

    /// <summary>Share of the time in which the store's connection was busy, in its busier direction.</summary>
    public required double StoreBusy { get; init; }

    /// <summary>Floating-point operations of training that count.</summary>
    public required double UsefulFlops { get; init; }

    /// <summary>Those that were made in vain: lost with a worker, or made twice.</summary>
    public required double RedoneFlops { get; init; }

    /// <summary>Mean time from the last contribution to a module of several paths to its next version; 0 where there is none.</summary>
    public required double OuterStepSeconds { get; init; }

    /// <summary>Sudden ends of workers.</summary>
    public required int Failures { get; init; }

    /// <summary>Tasks that went on elsewhere in the middle.</summary>
    public required int HandOvers { get; init; }

    /// <summary>Steps that no path made, by the run's ledger.</summary>
    public required long LostSteps { get; init; }

    /// <summary>Steps that count twice, by the run's ledger.</summary>
    public required long DuplicatedSteps { get; init; }

    /// <summary>What held the run up most.</summary>
    public string Bottleneck { get; init; } = "";

    /// <summary>The same steps on the same fleet with gradients that meet at every step.</summary>
    public required SynchronousEstimate Synchronous { get; init; }
}
