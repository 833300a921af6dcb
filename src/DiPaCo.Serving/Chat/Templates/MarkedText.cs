namespace DiPaCo.Serving.Chat.Templates;

/// <summary>
/// Text that knows of every character whether a client wrote it. A template may cut, trim and join what it is given as it likes; what becomes a
/// special token in the end must be the template's own to the last character.
/// </summary>
internal sealed class MarkedText
{
    private readonly ReadOnlyMemory<bool> _foreign;

    /// <summary>A text.</summary>
    /// <param name="value">The characters.</param>
    /// <param name="foreign">For each of them whether a client wrote it.</param>
    public MarkedText(string value, ReadOnlyMemory<bool> foreign)
    {
        Value = value;
        _foreign = foreign;
    }

    /// <summary>The text of no characters.</summary>
    public static MarkedText Empty { get; } = new("", default);

    /// <summary>The characters.</summary>
    public string Value { get; }

    /// <summary>How many UTF-16 units there are; this is what <c>length</c> and indices count, where Python counts code points.</summary>
    public int Length => Value.Length;

    /// <summary>For each character whether a client wrote it.</summary>
    public ReadOnlySpan<bool> Foreign => _foreign.Span;

    /// <summary>Text of the template or of the model.</summary>
    public static MarkedText Own(string value) => new(value, new bool[value.Length]);

    /// <summary>Text that a client wrote.</summary>
    public static MarkedText OfClient(string value)
    {
        bool[] foreign = new bool[value.Length];
        Array.Fill(foreign, true);
        return new MarkedText(value, foreign);
    }

    /// <summary>A part.</summary>
    public MarkedText Slice(int start, int length) =>
        start == 0 && length == Length ? this : new MarkedText(Value.Substring(start, length), _foreign.Slice(start, length));

    /// <summary>Other characters in the same places.</summary>
    /// <param name="value">As many characters as there are.</param>
    public MarkedText With(string value) => value.Length == Length ? new MarkedText(value, _foreign)
        : throw new ArgumentException($"{value.Length} characters cannot take the places of {Length}.", nameof(value));

    /// <inheritdoc/>
    public override string ToString() => Value;
}
