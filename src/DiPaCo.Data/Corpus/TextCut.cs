namespace DiPaCo.Data;

/// <summary>Finds where to cut a long text: after a blank line, else after a line, else after a space, else between characters.</summary>
internal static class TextCut
{
    /// <summary>The length of the first part of <paramref name="bytes"/> (UTF-8): more than half of it where a good place exists there.</summary>
    public static int Find(ReadOnlySpan<byte> bytes)
    {
        int half = bytes.Length / 2;
        ReadOnlySpan<byte> late = bytes[half..];
        int paragraph = Math.Max(After(late, "\n\n"u8), After(late, "\n\r\n"u8));
        int cut = paragraph > 0 ? paragraph
            : After(late, "\n"u8) is > 0 and int line ? line
            : After(late, " "u8);
        if (cut > 0)
        {
            return half + cut;
        }

        // The longest prefix that ends between two characters; a run of continuation bytes is not UTF-8 and is reported as such later.
        int end = bytes.Length;
        while (end > bytes.Length - 4 && end > 1 && (bytes[end - 1] & 0xC0) == 0x80)
        {
            end--;
        }

        int lead = bytes[end - 1];
        int expected = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
        return bytes.Length - (end - 1) >= expected || end == 1 ? bytes.Length : end - 1;
    }

    private static int After(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> mark)
    {
        int at = bytes.LastIndexOf(mark);
        return at < 0 ? 0 : at + mark.Length;
    }
}
