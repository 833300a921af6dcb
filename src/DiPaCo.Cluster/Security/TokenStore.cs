using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>
/// The tokens of a silo, in a file that only its owner reads. A token is 256 random bits; its hash is kept, so that a copy of the file opens
/// nothing. A plain hash is enough, because nobody can guess a token.
/// </summary>
/// <param name="path">The file; it need not exist.</param>
/// <param name="time">For expiry.</param>
public sealed class TokenStore(string path, TimeProvider time)
{
    private const int TokenBytes = 32;
    private const int MostBytes = 16 << 20;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly Lock _lock = new();
    private DateTime _read = DateTime.MinValue;
    private ImmutableArray<TokenRecord> _records = [];

    /// <summary>The file of a silo's tokens.</summary>
    /// <param name="folder">The silo's folder.</param>
    public static string FileOf(string folder) => Path.Combine(folder, "tokens.json");

    /// <summary>Makes a token. It is shown once and cannot be found out later.</summary>
    /// <param name="role">What it allows.</param>
    /// <param name="lifetime">How long.</param>
    /// <exception cref="StorageException">The file cannot be written.</exception>
    public (string Token, TokenRecord Record) Create(TokenRole role, TimeSpan lifetime)
    {
        string token = Base64Url(RandomNumberGenerator.GetBytes(TokenBytes));
        string hash = HashOf(token);
        TokenRecord record = new(hash[..8], hash, role, time.GetUtcNow() + lifetime);
        lock (_lock)
        {
            Write([.. Read().Where(known => known.Expires > time.GetUtcNow()), record]);
        }

        return (token, record);
    }

    /// <summary>Ends a token; returns whether there was one of that name.</summary>
    public bool Revoke(string id)
    {
        lock (_lock)
        {
            ImmutableArray<TokenRecord> records = Read();
            ImmutableArray<TokenRecord> kept = records.RemoveAll(record => record.Id == id);
            if (kept.Length == records.Length)
            {
                return false;
            }

            Write(kept);
            return true;
        }
    }

    /// <summary>All tokens that have not expired.</summary>
    public ImmutableArray<TokenRecord> List()
    {
        lock (_lock)
        {
            return Read().RemoveAll(record => record.Expires <= time.GetUtcNow());
        }
    }

    /// <summary>What a token allows.</summary>
    /// <returns>Null: it is unknown or has expired; the reason says which.</returns>
    public (TokenRecord? Record, string Reason) Find(string token)
    {
        if (token.Length is 0 or > 128)
        {
            return (null, "This is no token.");
        }

        byte[] hash = Encoding.ASCII.GetBytes(HashOf(token));
        TokenRecord? found = null;
        lock (_lock)
        {
            foreach (TokenRecord record in Read())
            {
                // All are compared, in constant time each: the time says nothing about the hashes.
                if (CryptographicOperations.FixedTimeEquals(hash, Encoding.ASCII.GetBytes(record.Hash)))
                {
                    found = record;
                }
            }
        }

        return found is null ? (null, "The token is unknown.")
            : found.Expires <= time.GetUtcNow() ? (null, $"The token {found.Id} expired at {found.Expires:u}.")
            : (found, "");
    }

    private ImmutableArray<TokenRecord> Read()
    {
        FileInfo file = new(path);
        if (!file.Exists)
        {
            return [];
        }

        // 'dipaco token' is another process; what it writes is seen at the next question.
        if (file.LastWriteTimeUtc == _read)
        {
            return _records;
        }

        if (file.Length > MostBytes)
        {
            throw new StorageException(path, $"'{path}' has {file.Length:N0} bytes, which no file of tokens has.");
        }

        try
        {
            _records = JsonSerializer.Deserialize<ImmutableArray<TokenRecord>>(File.ReadAllBytes(path), Json);
            _read = file.LastWriteTimeUtc;
            return _records;
        }
        catch (JsonException exception)
        {
            throw new StorageException(path, $"'{path}' is not a file of tokens: {exception.Message} Restore it, or delete it and make new tokens with 'dipaco token'.");
        }
        catch (Exception exception) when (StorageErrors.IsStorage(exception))
        {
            throw StorageErrors.Explain(exception, "read", path);
        }
    }

    private void Write(ImmutableArray<TokenRecord> records)
    {
        DurableFile.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(records, Json), ownerOnly: true);
        _read = DateTime.MinValue;
    }

    private static string HashOf(string token) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    private static string Base64Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
