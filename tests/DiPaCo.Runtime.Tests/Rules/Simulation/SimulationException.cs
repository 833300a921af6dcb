namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>An invariant does not hold.</summary>
internal sealed class SimulationException(string message, Exception? cause = null) : Exception(message, cause);
