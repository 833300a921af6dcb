using System.Text;

namespace DiPaCo.Serving.Text;

/// <summary>
/// Turns the bytes of tokens into text as early as possible: a character is let out once it is whole, and nothing is let out that may be the
/// beginning of a stop string. The text ends before the first stop string, which may straddle any number of tokens.
/// </summary>
internal sealed class StopText
{
    private readonly byte[][] _stops;
    private readonly List<byte> _held = [];

    /// <summary>Begins a text.</summary>
    /// <param name="stops">Strings that end it; empty ones are ignored.</param>
    public StopText(IEnumerable<string> stops)
    {
        _stops = [.. stops.Where(stop => stop.Length > 0).Select(Encoding.UTF8.GetBytes)];
    }

    /// <summary>Whether a stop string was found; nothing is let out any more.</summary>
    public bool Stopped { get; private set; }

    /// <summary>Bytes let out so far.</summary>
    public long BytesOut { get; private set; }

    /// <summary>Adds bytes; returns the text that can be let out.</summary>
    public string Append(ReadOnlySpan<byte> bytes)
    {
        if (Stopped)
        {
            return "";
        }

        foreach (byte one in bytes)
        {
            _held.Add(one);
        }

        ReadOnlySpan<byte> held = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_held);
        int stop = FirstStop(held);
        if (stop >= 0)
        {
            Stopped = true;
            string last = Out(stop);
            _held.Clear();
            return last;
        }

        int free = held.Length - LongestBeginning(held);
        return Out(WholeCharacters(held[..free]));
    }

    /// <summary>The text ends: what was held back comes out, cut characters as U+FFFD.</summary>
    public string Finish() => Stopped ? "" : Out(_held.Count);

    private string Out(int count)
    {
        ReadOnlySpan<byte> held = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_held);
        string text = Encoding.UTF8.GetString(held[..count]);
        _held.RemoveRange(0, count);
        BytesOut += count;
        return text;
    }

    private int FirstStop(ReadOnlySpan<byte> held)
    {
        int first = -1;
        foreach (byte[] stop in _stops)
        {
            int at = held.IndexOf(stop);
            first = at >= 0 && (first < 0 || at < first) ? at : first;
        }

        return first;
    }

    /// <summary>Length of the longest end that is a beginning of a stop string.</summary>
    private int LongestBeginning(ReadOnlySpan<byte> held)
    {
        int longest = 0;
        foreach (byte[] stop in _stops)
        {
            for (int length = Math.Min(stop.Length - 1, held.Length); length > longest; length--)
            {
                if (held.EndsWith(stop.AsSpan(0, length)))
                {
                    longest = length;
                }
            }
        }

        return longest;
    }

    /// <summary>Length of the beginning that does not end in the middle of a character.</summary>
    private static int WholeCharacters(ReadOnlySpan<byte> bytes)
    {
        for (int back = 1; back <= Math.Min(3, bytes.Length); back++)
        {
            byte one = bytes[^back];
            int length = one >= 0xF0 ? 4 : one >= 0xE0 ? 3 : one >= 0xC0 ? 2 : 1;
            if (one is >= 0x80 and < 0xC0)
            {
                continue;
            }

            return length > back ? bytes.Length - back : bytes.Length;
        }

        return bytes.Length;
    }
}
