using System.Collections.Immutable;

namespace DiPaCo.Runtime.Tasks;

/// <summary>Losses of re-routed documents.</summary>
/// <param name="Windows">One element a length W, as the specification lists them.</param>
public sealed record RerouteMetrics(ImmutableArray<RerouteWindow> Windows);

/// <summary>Documents routed anew every W tokens.</summary>
/// <param name="Window">W.</param>
/// <param name="Scored">Their losses; the prefix is scored under the path of the first chunk.</param>
/// <param name="Chunks">Chunks behind the first of each document: so often was a path chosen anew.</param>
/// <param name="Switches">How many of them went to another path than the chunk before.</param>
public sealed record RerouteWindow(int Window, EvaluationMetrics Scored, long Chunks, long Switches)
{
    /// <summary>Share of the choices that changed the path.</summary>
    public double SwitchShare => Chunks == 0 ? 0 : (double)Switches / Chunks;
}
