namespace DiPaCo.Data;

/// <summary>Steps from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
/// <param name="Start">The first.</param>
/// <param name="End">One behind the last.</param>
public readonly record struct StepRange(long Start, long End);
