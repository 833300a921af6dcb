namespace DiPaCo.Data;

/// <summary>A record that could not be used.</summary>
/// <param name="File">The file's full path: several folders of a corpus may have files of one name.</param>
/// <param name="Line">The line (or the row of a .parquet file), from 1.</param>
/// <param name="Reason">What is wrong with it, for example <c>no field 'text'</c>.</param>
public sealed record BadRecord(string File, long Line, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => $"{File}:{Line}: {Reason}";
}
