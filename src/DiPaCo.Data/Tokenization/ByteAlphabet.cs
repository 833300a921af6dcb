namespace DiPaCo.Data;

/// <summary>
/// The printable characters by which byte-level tokenizer files write bytes: printable Latin-1 stands for itself,
/// the other 68 bytes are U+0100 onwards in order.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Build();

    private static readonly Dictionary<char, byte> Bytes = Characters.Select((c, b) => (c, b)).ToDictionary(pair => pair.c, pair => (byte)pair.b);

    public static char Character(byte value) => Characters[value];

    public static string Write(ReadOnlySpan<byte> bytes)
    {
        Span<char> characters = bytes.Length <= 256 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            characters[i] = Characters[bytes[i]];
        }

        return new string(characters);
    }

    /// <summary>The bytes that a token's characters stand for; null where one of them stands for none.</summary>
    public static byte[]? Read(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            if (!Bytes.TryGetValue(token[i], out bytes[i]))
            {
                return null;
            }
        }

        return bytes;
    }

    private static char[] Build()
    {
        char[] characters = new char[256];
        char next = '\u0100';
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            characters[b] = printable ? (char)b : next++;
        }

        return characters;
    }
}
