namespace DiPaCo.Routing;

/// <summary>The columns of the paths that begin with the same codes.</summary>
/// <param name="First">First column.</param>
/// <param name="End">The column behind the last.</param>
internal readonly record struct ColumnRange(int First, int End)
{
    /// <summary>The columns among these whose code of the next group has the highest score, the lowest code among equals.</summary>
    /// <param name="codes">The codes of all columns.</param>
    /// <param name="group">The next group.</param>
    /// <param name="scores">The score of each code of that group.</param>
    public ColumnRange Descend(PathCodes codes, int group, ReadOnlySpan<float> scores)
    {
        int first = First;
        for (int column = First + 1; column < End; column++)
        {
            first = scores[codes.Of(column)[group]] > scores[codes.Of(first)[group]] ? column : first;
        }

        int end = first + 1;
        while (end < End && codes.Of(end)[group] == codes.Of(first)[group])
        {
            end++;
        }

        return new ColumnRange(first, end);
    }
}
