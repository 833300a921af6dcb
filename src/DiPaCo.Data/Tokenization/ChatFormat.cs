namespace DiPaCo.Data;

/// <summary>How a tokenizer's maker wants conversations to become text: a chat template in Jinja, and the tokens that it may name.</summary>
/// <param name="Template">The template.</param>
public sealed record ChatFormat(string Template)
{
    /// <summary>The token that begins a text, <c>bos_token</c>; null: none.</summary>
    public string? Beginning { get; init; }

    /// <summary>The token that ends what an assistant says, <c>eos_token</c>; null: none.</summary>
    public string? End { get; init; }

    /// <summary>The token that fills up batches, <c>pad_token</c>; null: none.</summary>
    public string? Padding { get; init; }

    /// <summary>The token of what is not known, <c>unk_token</c>; null: none.</summary>
    public string? Unknown { get; init; }

    /// <summary>The same with a tokenizer's one token for beginning and end, where its maker has named none at all.</summary>
    public ChatFormat WithTokens(string? endOfText) =>
        (Beginning ?? End ?? Padding ?? Unknown) is null ? this with { Beginning = endOfText, End = endOfText } : this;
}
