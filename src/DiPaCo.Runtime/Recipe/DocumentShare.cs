namespace DiPaCo.Runtime.Recipe;

/// <summary>How a limit on scored documents is spread over the paths, the same in a run's evaluation and in every later one.</summary>
internal static class DocumentShare
{
    /// <summary>Documents of one path that are scored: in proportion to its share of the split, and at least one.</summary>
    /// <param name="most">The limit for all paths together; 0: none.</param>
    /// <param name="own">Documents of the path.</param>
    /// <param name="all">Documents of all paths.</param>
    public static int Of(int most, long own, long all) =>
        most == 0 || most >= all || own == 0 ? (int)own : (int)Math.Max(1, most * own / all);
}
