using System.Collections.Immutable;
using Npgsql;

namespace DiPaCo.Cluster;

/// <summary>The tokens that all silos of a cluster have in common. What another silo or <c>dipaco token</c> changes is seen within seconds.</summary>
/// <param name="connectionString">The database. Never logged.</param>
/// <param name="time">For expiry.</param>
public sealed class DatabaseTokens(string connectionString, TimeProvider time) : ITokens
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private ImmutableArray<TokenRecord> _records = [];
    private long? _read;

    /// <inheritdoc/>
    public (string Token, TokenRecord Record) Create(TokenRole role, TimeSpan lifetime)
    {
        (string token, TokenRecord record) = TokenText.New(role, time.GetUtcNow() + lifetime);
        Execute("DELETE FROM dipaco_token WHERE expires <= $1", time.GetUtcNow());
        Execute("INSERT INTO dipaco_token (id, hash, role, expires) VALUES ($1, $2, $3, $4)", record.Id, record.Hash, record.Role.ToString(), record.Expires);
        return (token, record);
    }

    /// <inheritdoc/>
    public bool Revoke(string id) => Execute("DELETE FROM dipaco_token WHERE id = $1", id) > 0;

    /// <inheritdoc/>
    public ImmutableArray<TokenRecord> List() => Read().RemoveAll(record => record.Expires <= time.GetUtcNow());

    /// <inheritdoc/>
    public (TokenRecord? Record, string Reason) Find(string token)
    {
        lock (_lock)
        {
            if (_read is not { } read || time.GetElapsedTime(read) > Fresh)
            {
                try
                {
                    _records = Read();
                    _read = time.GetTimestamp();
                }
                catch (NpgsqlException) when (_read is not null)
                {
                    // While the database restarts, whoever was let in before is let in.
                }
            }

            return TokenText.Find(_records, token, time.GetUtcNow());
        }
    }

    private int Execute(string sql, params object[] parameters)
    {
        using NpgsqlConnection connection = new(connectionString);
        connection.Open();
        using NpgsqlCommand command = DatabaseCalls.Command(connection, sql, parameters);
        lock (_lock)
        {
            _read = null;
        }

        return command.ExecuteNonQuery();
    }

    private ImmutableArray<TokenRecord> Read()
    {
        using NpgsqlConnection connection = new(connectionString);
        connection.Open();
        using NpgsqlCommand command = DatabaseCalls.Command(connection, "SELECT id, hash, role, expires FROM dipaco_token ORDER BY expires, id");
        using NpgsqlDataReader reader = command.ExecuteReader();
        ImmutableArray<TokenRecord>.Builder records = ImmutableArray.CreateBuilder<TokenRecord>();
        while (reader.Read())
        {
            if (Enum.TryParse(reader.GetString(2), out TokenRole role))
            {
                records.Add(new TokenRecord(reader.GetString(0), reader.GetString(1), role, reader.GetFieldValue<DateTimeOffset>(3)));
            }
        }

        return records.ToImmutable();
    }
}
