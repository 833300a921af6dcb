using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Routing;

/// <summary>
/// document → path (paper §2.4). A router is immutable; it scores every path that it knows, and whatever chooses, balances
/// or overlaps works on the scores alone, so that it serves every kind of router.
/// </summary>
public interface IRouter
{
    /// <summary>The kind by which a stored router is recognised, for example <c>k-means</c>.</summary>
    string Kind { get; }

    /// <summary>The paths that it can choose, in order of their ids: column p of the scores is <c>Paths[p]</c>.</summary>
    ImmutableArray<PathId> Paths { get; }

    /// <summary>Tokens at the beginning of a document that it looks at; 0 when it looks at none.</summary>
    int PrefixTokens { get; }

    /// <summary>Features d of a document; 0 when it needs none.</summary>
    int FeatureWidth { get; }

    /// <summary>
    /// Scores of documents [<paramref name="first"/>, <paramref name="first"/> + <paramref name="count"/>) under every path,
    /// document after document; higher is better, and differences can be compared between documents. Safe to call from several threads.
    /// </summary>
    /// <param name="input">The documents.</param>
    /// <param name="first">First document.</param>
    /// <param name="count">Number of documents.</param>
    /// <param name="scores">Receives count × number of paths numbers.</param>
    void Score(RouterInput input, int first, int count, Span<float> scores);
}
