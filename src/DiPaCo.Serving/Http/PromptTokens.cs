using System.Text;
using DiPaCo.Core;
using DiPaCo.Serving.Models;

namespace DiPaCo.Serving.Http;

/// <summary>Makes tokens of clients' texts, as many as a prompt may have.</summary>
internal static class PromptTokens
{
    /// <summary>Most tokens of a prompt.</summary>
    public static int MostOf(LiveModel model, ServingLimits limits) => Math.Min(limits.MaxPromptTokens, model.Context);

    /// <summary>Makes tokens of a text; one that cannot be short enough is refused without a look at its words.</summary>
    /// <param name="model">The model.</param>
    /// <param name="text">The text.</param>
    /// <param name="most">Most tokens.</param>
    /// <param name="name">The field.</param>
    /// <param name="encode">Makes them.</param>
    /// <exception cref="ApiException">There are too many, or the tokenizer gives up.</exception>
    public static T Of<T>(LiveModel model, string text, int most, string name, Func<T> encode)
    {
        long bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes > (long)most * model.LongestToken)
        {
            throw TooLong($"'{name}' has {bytes} bytes, which are more than {most} tokens; this model takes at most {most}.", name);
        }

        try
        {
            return encode();
        }
        catch (DiPaCoException exception)
        {
            // A tokenizer's expressions have a time limit, which some texts reach.
            throw RequestBody.Bad($"'{name}' cannot be cut into tokens: {exception.Message}", name, "tokenizer_failed");
        }
    }

    /// <summary>Refuses what has too many tokens.</summary>
    /// <exception cref="ApiException">There are more than <paramref name="most"/>.</exception>
    public static void ThrowIfLong(int tokens, int most, string name)
    {
        if (tokens > most)
        {
            throw TooLong($"'{name}' has {tokens} tokens; this model takes at most {most}.", name);
        }
    }

    private static ApiException TooLong(string message, string name) => RequestBody.Bad(message, name, "context_length_exceeded");
}
