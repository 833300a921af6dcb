using System.Collections.Immutable;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>What a call is given, not yet evaluated.</summary>
/// <param name="Positional">In order.</param>
/// <param name="Named">By name.</param>
internal sealed record ArgumentList(ImmutableArray<Expression> Positional, ImmutableArray<(string Name, Expression Value)> Named)
{
    /// <summary>Nothing.</summary>
    public static ArgumentList None { get; } = new([], []);
}
