using System.Buffers;
using System.Text;

namespace DiPaCo.Serving.Chat.Templates;

/// <summary>Joins texts.</summary>
internal sealed class MarkedTextBuilder
{
    private readonly StringBuilder _text = new();
    private readonly ArrayBufferWriter<bool> _foreign = new();

    /// <summary>Characters so far.</summary>
    public int Length => _text.Length;

    /// <summary>Appends a text.</summary>
    public MarkedTextBuilder Append(MarkedText text)
    {
        _text.Append(text.Value);
        _foreign.Write(text.Foreign);
        return this;
    }

    /// <summary>Appends characters of one origin.</summary>
    public MarkedTextBuilder Append(string text, bool foreign = false)
    {
        _text.Append(text);
        if (text.Length > 0)
        {
            _foreign.GetSpan(text.Length)[..text.Length].Fill(foreign);
            _foreign.Advance(text.Length);
        }

        return this;
    }

    /// <summary>The whole.</summary>
    public MarkedText Build() => new(_text.ToString(), _foreign.WrittenMemory);
}
