using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Data;
using DiPaCo.Serving.Models;

namespace DiPaCo.Serving.Http;

/// <summary>Reads texts and lists of tokens, one or several.</summary>
/// <param name="model">The model.</param>
/// <param name="mostPrompts">Most of them in one request.</param>
/// <param name="mostTokens">Most tokens of one.</param>
internal sealed class PromptReader(LiveModel model, int mostPrompts, int mostTokens)
{
    private int Vocabulary => model.Description.Shape.Vocabulary;

    /// <summary>Reads a field.</summary>
    /// <param name="body">The request.</param>
    /// <param name="name">The field.</param>
    /// <returns>At least one prompt, each of at least one token.</returns>
    public ImmutableArray<PromptText> Read(RequestBody body, string name)
    {
        if (body.Find(name) is not { } value)
        {
            throw RequestBody.Bad($"'{name}' is missing.", name);
        }

        if (value.ValueKind == JsonValueKind.String)
        {
            return [OfText(body.TextOf(value, name), name)];
        }

        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
        {
            throw Wrong(body, name, value);
        }

        if (value[0].ValueKind == JsonValueKind.Number)
        {
            return [OfTokens(body, name, value)];
        }

        return value.GetArrayLength() > mostPrompts
            ? throw RequestBody.Bad($"'{name}' has {value.GetArrayLength()} prompts; at most {mostPrompts} are taken.", name)
            : [.. value.EnumerateArray().Select(one => one.ValueKind switch
            {
                JsonValueKind.String => OfText(body.TextOf(one, name), name),
                JsonValueKind.Array when one.GetArrayLength() > 0 => OfTokens(body, name, one),
                _ => throw Wrong(body, name, one),
            })];
    }

    private PromptText OfText(string text, string name)
    {
        // As every document of training, a text begins behind the end of another.
        List<int> tokens = [model.Tokenizer.EndOfText];
        model.Tokenizer.Encode(text, tokens);
        ThrowIfLong(tokens.Count, name);
        return new PromptText(text, [.. tokens], 1, DocumentOrigin.Hash(DocumentOrigin.OfText(text)));
    }

    private PromptText OfTokens(RequestBody body, string name, JsonElement list)
    {
        ThrowIfLong(list.GetArrayLength(), name);
        int[] tokens = new int[list.GetArrayLength()];
        for (int at = 0; at < tokens.Length; at++)
        {
            JsonElement one = list[at];
            if (one.ValueKind != JsonValueKind.Number || !one.TryGetInt32(out tokens[at]) || tokens[at] < 0 || tokens[at] >= Vocabulary)
            {
                throw body.Wrong(name, one, $"a token from 0 to {Vocabulary - 1}");
            }
        }

        string text = model.Tokenizer.Decode(tokens);
        return new PromptText(text, [.. tokens], 0, DocumentOrigin.Hash(DocumentOrigin.OfText(text)));
    }

    private void ThrowIfLong(int tokens, string name)
    {
        if (tokens > mostTokens)
        {
            throw RequestBody.Bad($"'{name}' has {tokens} tokens; this model takes at most {mostTokens}.", name, "context_length_exceeded");
        }
    }

    private static ApiException Wrong(RequestBody body, string name, JsonElement value) => body.Wrong(name, value, "a string, a list of tokens, or a list of either");
}
