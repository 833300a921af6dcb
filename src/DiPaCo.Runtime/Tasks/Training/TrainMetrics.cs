using System.Collections.Immutable;

namespace DiPaCo.Runtime.Tasks;

/// <summary>What a training task reports, one element a step.</summary>
/// <param name="Losses">Mean loss of the batch, nats per scored token.</param>
/// <param name="GradientNorms">Global gradient norm before clipping.</param>
/// <param name="Tokens">Scored tokens.</param>
public sealed record TrainMetrics(ImmutableArray<double> Losses, ImmutableArray<double> GradientNorms, ImmutableArray<long> Tokens);
