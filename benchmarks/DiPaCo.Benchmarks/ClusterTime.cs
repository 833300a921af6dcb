namespace DiPaCo.Benchmarks;

/// <summary>How the phases of a run went.</summary>
/// <param name="Wall">Seconds that they took.</param>
/// <param name="Computing">Seconds for which each of those who compute made steps that counted, in the mean.</param>
/// <param name="Task">Seconds of steps of a task.</param>
/// <param name="Tokens">Tokens that the steps have learned from.</param>
internal sealed record ClusterTime(double Wall, double Computing, double Task, long Tokens)
{
    /// <summary>Share of the time in which steps were made.</summary>
    public double Useful => Computing / Wall;

    /// <summary>Tokens a second.</summary>
    public double Rate => Tokens / Wall;
}
