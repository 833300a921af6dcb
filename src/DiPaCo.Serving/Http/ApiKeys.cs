using System.Security.Cryptography;
using System.Text;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Serving.Http;

/// <summary>
/// The keys of a server, in a file with one line a key: a name and the SHA-256 of the key. The key itself, 256 random bits, is shown once and
/// kept nowhere, so a copy of the file opens nothing. The file is read at the start of a server.
/// </summary>
public sealed class ApiKeys
{
    private const string Beginning = "dipaco-";
    private const int KeyBytes = 32;
    private const long MostBytes = 1 << 20;

    private readonly byte[][] _hashes;

    private ApiKeys(byte[][] hashes) => _hashes = hashes;

    /// <summary>Reads a file of keys.</summary>
    /// <exception cref="DiPaCoException">It cannot be read, has no key, or is no such file.</exception>
    public static ApiKeys Read(string file)
    {
        byte[][] hashes = [.. Lines(file).Select(line => line.Hash)];
        return hashes.Length > 0 ? new ApiKeys(hashes)
            : throw new DiPaCoException($"'{file}' has no key. Make one with 'dipaco serve --new-key NAME --keys {file}'.");
    }

    /// <summary>Makes a key, and adds its hash to a file.</summary>
    /// <param name="file">The file; it need not exist.</param>
    /// <param name="name">A name for people, without spaces.</param>
    /// <returns>The key.</returns>
    /// <exception cref="DiPaCoException">The file is something else, or cannot be written; it is left as it is.</exception>
    public static string Create(string file, string name)
    {
        if (name.Length is 0 or > 100 || name.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter)))
        {
            throw new DiPaCoException($"'{name}' is no name for a key: 1 to 100 characters without spaces were expected.");
        }

        string key = Beginning + System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(KeyBytes));
        string[] lines = [.. File.Exists(file) ? Lines(file).Select(line => line.Text) : [], $"{name} {Convert.ToHexStringLower(HashOf(key))}"];
        DurableFile.WriteAllBytes(file, Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"), ownerOnly: true);
        return key;
    }

    /// <summary>Number of keys.</summary>
    public int Count => _hashes.Length;

    /// <summary>Whether a key is one of them; all are compared, so the time says nothing.</summary>
    public bool Contains(string key)
    {
        byte[] hash = HashOf(key);
        bool found = false;
        foreach (byte[] known in _hashes)
        {
            found |= CryptographicOperations.FixedTimeEquals(hash, known);
        }

        return found;
    }

    private static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static IEnumerable<(string Text, byte[] Hash)> Lines(string file)
    {
        string[] lines;
        try
        {
            lines = new FileInfo(file) is { Length: > MostBytes } ? throw new DiPaCoException($"'{file}' is too long for a file of keys.") : File.ReadAllLines(file);
        }
        catch (Exception exception) when (StorageErrors.IsStorage(exception))
        {
            throw StorageErrors.Explain(exception, "read", file);
        }

        for (int at = 0; at < lines.Length; at++)
        {
            string text = lines[at].Trim();
            if (text.Length > 0)
            {
                yield return text.Split(' ') is [_, string hash] && BlobHash.TryParse(hash, out BlobHash parsed) ? (text, Convert.FromHexString(parsed.Hex))
                    : throw new DiPaCoException($"Line {at + 1} of '{file}' is not a name and the SHA-256 of a key. Make keys with 'dipaco serve --new-key NAME --keys {file}'.");
            }
        }
    }
}
