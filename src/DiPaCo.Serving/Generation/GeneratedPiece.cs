using System.Collections.Immutable;
using DiPaCo.Core;

namespace DiPaCo.Serving.Generation;

/// <summary>What happens while a text is written, in order.</summary>
public abstract record GeneratedPiece
{
    private GeneratedPiece()
    {
    }

    /// <summary>The path was chosen, or was given.</summary>
    /// <param name="Path">The path.</param>
    /// <param name="Experts">Its expert of each level.</param>
    /// <param name="Scores">The router's scores, one a path; none where the path was given.</param>
    public sealed record Routed(PathId Path, ImmutableArray<int> Experts, ImmutableArray<float> Scores) : GeneratedPiece;

    /// <summary>Another path was chosen.</summary>
    /// <param name="Position">The first token that it writes.</param>
    /// <param name="From">The path before.</param>
    /// <param name="To">The path from here on.</param>
    public sealed record Rerouted(int Position, PathId From, PathId To) : GeneratedPiece;

    /// <summary>Some text.</summary>
    /// <param name="Value">At least one character.</param>
    public sealed record Text(string Value) : GeneratedPiece;

    /// <summary>The end.</summary>
    /// <param name="Reason"><c>stop</c> or <c>length</c>.</param>
    /// <param name="PromptTokens">Tokens of the prompt, with the one that ends the text before it.</param>
    /// <param name="Tokens">Tokens written.</param>
    public sealed record Finished(string Reason, int PromptTokens, int Tokens) : GeneratedPiece;
}
