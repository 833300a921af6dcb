namespace DiPaCo.Data;

/// <summary>A record that could not be used.</summary>
/// <param name="File">The file, as the user named it.</param>
/// <param name="Line">The line (or the row of a .parquet file), from 1.</param>
/// <param name="Reason">What is wrong with it, for example <c>no field 'text'</c>.</param>
public sealed record BadRecord(string File, long Line, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{File}:{Line}: {Reason}";
}
