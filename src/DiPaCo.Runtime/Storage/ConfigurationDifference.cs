namespace DiPaCo.Runtime.Storage;

/// <summary>A key on which two configurations disagree.</summary>
/// <param name="Key">Its path, for example <c>optimizer.inner.learningRate</c> or <c>topology.levels[1].experts</c>.</param>
/// <param name="Old">The value that the run began with, as JSON; null if there was none.</param>
/// <param name="New">The value now, as JSON; null if there is none.</param>
public sealed record ConfigurationDifference(string Key, string? Old, string? New)
{
    private const int LongestValue = 80;

    /// <summary>For messages: <c>seed: 1 in the run, 2 now</c>.</summary>
    public override string ToString() => $"{Key}: {Show(Old)} in the run, {Show(New)} now";

    private static string Show(string? value) =>
        value is null ? "absent" : value.Length <= LongestValue ? value : $"{value[..LongestValue]}…";
}
