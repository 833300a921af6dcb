namespace DiPaCo.Routing;

/// <summary>
/// Features of documents, one row each, in memory or in a file. Rows are read in short runs, so that a pass over
/// millions of documents needs no more memory than a run per thread. Which document a row belongs to is the caller's knowledge.
/// </summary>
public interface IFeatureSource
{
    /// <summary>Number of rows n.</summary>
    int Rows { get; }

    /// <summary>Number of features d of a row.</summary>
    int Width { get; }

    /// <summary>Rows [<paramref name="first"/>, <paramref name="first"/> + <paramref name="count"/>), row after row. Safe to call from several threads.</summary>
    /// <param name="first">First row.</param>
    /// <param name="count">Number of rows.</param>
    /// <param name="scratch">At least count · d numbers that the source may fill; the result is either a part of it or the source's own memory.</param>
    ReadOnlySpan<float> Read(int first, int count, Span<float> scratch);
}
