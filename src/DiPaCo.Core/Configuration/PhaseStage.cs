using System.Text.Json.Serialization;

namespace DiPaCo.Core.Configuration;

/// <summary>A run of phases with one τ and one schedule of learning rates, which begins anew with each stage.</summary>
/// <param name="Phases">Number of phases; at least 1.</param>
/// <param name="InnerSteps">Inner steps τ of one path in one phase; at least 1.</param>
/// <param name="LearningRate">Peak learning rate; positive.</param>
/// <param name="WarmupSteps">Warm-up steps; at most the stage's steps.</param>
public sealed record PhaseStage(int Phases, int InnerSteps, double LearningRate, int WarmupSteps)
{
    /// <summary>Steps of a path that takes part in all phases of the stage.</summary>
    [JsonIgnore]
    public long Steps => (long)Phases * InnerSteps;
}
