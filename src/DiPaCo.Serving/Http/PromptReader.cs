using System.Collections.Immutable;
using System.Text.Json;
using DiPaCo.Data;
using DiPaCo.Serving.Models;

namespace DiPaCo.Serving.Http;

/// <summary>Reads texts and lists of tokens, one or several.</summary>
/// <param name="model">The model.</param>
/// <param name="limits">The server's limits.</param>
internal sealed class PromptReader(LiveModel model, ServingLimits limits)
{
    private readonly int _mostTokens = PromptTokens.MostOf(model, limits);

    private int Vocabulary => model.Vocabulary;

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

        return value.GetArrayLength() > limits.MaxPromptsPerRequest
            ? throw RequestBody.Bad($"'{name}' has {value.GetArrayLength()} prompts; at most {limits.MaxPromptsPerRequest} are taken.", name)
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
        ImmutableArray<int> tokens = [model.Tokenizer.EndOfText, .. PromptTokens.Of(model, text, _mostTokens, name, () => model.Tokenizer.Encode(text))];
        PromptTokens.ThrowIfLong(tokens.Length, _mostTokens, name);
        return new PromptText(text, tokens, 1, DocumentOrigin.Hash(DocumentOrigin.OfText(text)));
    }

    private PromptText OfTokens(RequestBody body, string name, JsonElement list)
    {
        PromptTokens.ThrowIfLong(list.GetArrayLength(), _mostTokens, name);
        int[] tokens = new int[list.GetArrayLength()];
        int at = 0;
        // Not by index: where the list holds another list, an element is found by walking from the first.
        foreach (JsonElement one in list.EnumerateArray())
        {
            if (one.ValueKind != JsonValueKind.Number || !one.TryGetInt32(out tokens[at]) || tokens[at] < 0 || tokens[at] >= Vocabulary)
            {
                throw body.Wrong(name, one, $"a token from 0 to {Vocabulary - 1}");
            }

            at++;
        }

        string text = model.Tokenizer.Decode(tokens);
        return new PromptText(text, [.. tokens], 0, DocumentOrigin.Hash(DocumentOrigin.OfText(text)));
    }

    private static ApiException Wrong(RequestBody body, string name, JsonElement value) => body.Wrong(name, value, "a string, a list of tokens, or a list of either");
}
