using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Serving.Models;
using DiPaCo.Serving.Sampling;

namespace DiPaCo.Serving.Scheduling;

/// <summary>What happens to a sequence, in order.</summary>
internal abstract record GenerationEvent
{
    /// <summary>The path was chosen, or was given.</summary>
    /// <param name="Path">The path.</param>
    /// <param name="Scores">The router's scores, one a path in the order of their ids; none where the path was given.</param>
    /// <param name="Features">What the router looked at; none where it looks at no features.</param>
    /// <param name="Model">The version of the model that answers.</param>
    public sealed record Routed(PathId Path, ImmutableArray<float> Scores, ImmutableArray<float> Features, LiveModel Model) : GenerationEvent;

    /// <summary>The prompt's tokens with their log probabilities.</summary>
    /// <param name="Tokens">All of them.</param>
    public sealed record Prompt(ImmutableArray<TokenScore> Tokens) : GenerationEvent;

    /// <summary>Another path was chosen.</summary>
    /// <param name="Position">The first token that it writes or scores.</param>
    /// <param name="From">The path before.</param>
    /// <param name="To">The path from here on.</param>
    /// <param name="FirstBlock">The block from which the cache was computed anew; the number of blocks where none of it was.</param>
    /// <param name="Scores">The router's scores, one a path in the order of their ids.</param>
    public sealed record Rerouted(int Position, PathId From, PathId To, int FirstBlock, ImmutableArray<float> Scores) : GenerationEvent;

    /// <summary>A token was written.</summary>
    /// <param name="Score">The token.</param>
    /// <param name="Bytes">What it adds to the text; it may end, or begin, within a character.</param>
    /// <param name="Text">The text that is certain by now and was not let out before.</param>
    public sealed record Token(TokenScore Score, ReadOnlyMemory<byte> Bytes, string Text) : GenerationEvent;

    /// <summary>The end.</summary>
    /// <param name="Reason">Why.</param>
    /// <param name="Text">What was still held back.</param>
    /// <param name="End">The token that ended the text, where log probabilities are wanted; null: none did.</param>
    public sealed record Finished(FinishReason Reason, string Text, TokenScore? End = null) : GenerationEvent;
}
