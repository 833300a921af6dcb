using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using DiPaCo.Runtime.Storage;

namespace DiPaCo.Cluster;

/// <summary>
/// The tokens of a silo that stands alone, in a file that only its owner reads.
/// </summary>
/// <param name="path">The file; it need not exist.</param>
/// <param name="time">For expiry.</param>
public sealed class TokenStore(string path, TimeProvider time) : ITokens
{
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

    /// <inheritdoc/>
    /// <exception cref="StorageException">The file cannot be written.</exception>
    public (string Token, TokenRecord Record) Create(TokenRole role, TimeSpan lifetime)
    {
        (string token, TokenRecord record) = TokenText.New(role, time.GetUtcNow() + lifetime);
        lock (_lock)
        {
            Write([.. Read().Where(known => known.Expires > time.GetUtcNow()), record]);
        }

        return (token, record);
    }

    /// <inheritdoc/>
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

    /// <inheritdoc/>
    public ImmutableArray<TokenRecord> List()
    {
        lock (_lock)
        {
            return Read().RemoveAll(record => record.Expires <= time.GetUtcNow());
        }
    }

    /// <inheritdoc/>
    public ValueTask<(TokenRecord? Record, string Reason)> FindAsync(string token, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return ValueTask.FromResult(TokenText.Find(Read(), token, time.GetUtcNow()));
        }
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
}
