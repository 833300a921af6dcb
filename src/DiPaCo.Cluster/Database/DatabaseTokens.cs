using System.Collections.Immutable;
using System.Net.Sockets;
using Npgsql;

namespace DiPaCo.Cluster;

/// <summary>
/// The tokens that all silos of a cluster have in common. What another silo or <c>dipaco token</c> changes is seen within seconds. A request whose token is
/// on the list does not wait for the database: heartbeats come through while it is away, or takes packets and does not answer.
/// </summary>
/// <param name="connectionString">The database. Never logged.</param>
/// <param name="time">For expiry, and the age of the list.</param>
public sealed class DatabaseTokens(string connectionString, TimeProvider time) : ITokens
{
    private const string Select = "SELECT id, hash, role, expires FROM dipaco_token ORDER BY expires, id";

    // After so long the list is read again, whether it could be read the last time or not.
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(2);

    // So soon at the earliest for a token that is not on it: it may have been made a moment ago, and who guesses must not keep the database busy.
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(0.25);

    // Longer than a reading takes to fail: a list gets so old only where nobody has asked meanwhile, so nobody is held up when it is read first.
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(15);

    // A list that is older lets nobody in: what is on it may have been revoked meanwhile.
    private static readonly TimeSpan Oldest = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private Reading? _last;
    private Task<Outcome>? _refresh;
    private bool _failed;
    private long _refreshed;
    private int _changes;

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
    public ImmutableArray<TokenRecord> List()
    {
        using NpgsqlConnection connection = new(connectionString);
        connection.Open();
        using NpgsqlCommand command = DatabaseCalls.Command(connection, Select);
        using NpgsqlDataReader reader = command.ExecuteReader();
        ImmutableArray<TokenRecord>.Builder records = ImmutableArray.CreateBuilder<TokenRecord>();
        while (reader.Read())
        {
            Add(records, reader);
        }

        return records.ToImmutable().RemoveAll(record => record.Expires <= time.GetUtcNow());
    }

    /// <inheritdoc/>
    public async ValueTask<(TokenRecord? Record, string Reason)> FindAsync(string token, CancellationToken cancellationToken)
    {
        (Reading? last, bool failed, _) = Now(Fresh);
        TimeSpan age = last is null ? TimeSpan.MaxValue : time.GetElapsedTime(last.Begun);
        (TokenRecord? Record, string Reason) found = age <= Oldest ? TokenText.Find(last!.Records, token, time.GetUtcNow()) : (null, "");
        if (found.Record is not null && (failed || age <= Idle))
        {
            return found;
        }

        // The token may have been made a moment ago, so only a list of now says that it is unknown.
        (_, _, Task<Outcome> refresh) = Now(found.Record is null ? Soon : Fresh);
        (Reading? list, DatabaseAwayException? failure) = await refresh.WaitAsync(cancellationToken);
        return list is not null ? TokenText.Find(list.Records, token, time.GetUtcNow())
            : found.Record is not null ? found
            : throw failure!;
    }

    /// <summary>The last list, whether the reading after it failed, and the reading under way: one at a time, and one in that time.</summary>
    private (Reading? Last, bool Failed, Task<Outcome> Refresh) Now(TimeSpan every)
    {
        lock (_lock)
        {
            if (_refresh is null || (_refresh.IsCompleted && time.GetElapsedTime(_refreshed) > every))
            {
                int change = _changes;
                _refresh = Task.Run(() => RefreshAsync(change));
            }

            return (_last, _failed, _refresh);
        }
    }

    private async Task<Outcome> RefreshAsync(int change)
    {
        Reading? list = null;
        DatabaseAwayException? failure = null;
        try
        {
            list = await ReadAsync();
        }
        catch (Exception exception) when (exception is NpgsqlException or SocketException or IOException or TimeoutException or OperationCanceledException)
        {
            failure = new DatabaseAwayException($"PostgreSQL, which has the tokens, cannot be read: {(exception.InnerException ?? exception).Message}", exception);
        }

        lock (_lock)
        {
            // What this process has changed since is not on it.
            if (change == _changes)
            {
                _last = list ?? _last;
                _failed = list is null;
                _refreshed = time.GetTimestamp();
            }
        }

        return new Outcome(list, failure);
    }

    private async Task<Reading> ReadAsync()
    {
        long begun = time.GetTimestamp();
        using CancellationTokenSource patience = new(Patience, time);
        await using NpgsqlConnection connection = new(connectionString);
        await connection.OpenAsync(patience.Token);
        await using NpgsqlCommand command = DatabaseCalls.Command(connection, Select);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(patience.Token);
        ImmutableArray<TokenRecord>.Builder records = ImmutableArray.CreateBuilder<TokenRecord>();
        while (await reader.ReadAsync(patience.Token))
        {
            Add(records, reader);
        }

        return new Reading(records.ToImmutable(), begun);
    }

    /// <summary>A role that this version does not know opens nothing.</summary>
    private static void Add(ImmutableArray<TokenRecord>.Builder records, NpgsqlDataReader reader)
    {
        if (Enum.TryParse(reader.GetString(2), out TokenRole role))
        {
            records.Add(new TokenRecord(reader.GetString(0), reader.GetString(1), role, reader.GetFieldValue<DateTimeOffset>(3)));
        }
    }

    private int Execute(string sql, params object[] parameters)
    {
        using NpgsqlConnection connection = new(connectionString);
        connection.Open();
        using NpgsqlCommand command = DatabaseCalls.Command(connection, sql, parameters);
        int rows = command.ExecuteNonQuery();
        lock (_lock)
        {
            _changes++;
            _last = null;
            _refresh = null;
        }

        return rows;
    }

    /// <summary>What came of a reading: one of the two.</summary>
    private readonly record struct Outcome(Reading? List, DatabaseAwayException? Failure);

    private sealed record Reading(ImmutableArray<TokenRecord> Records, long Begun);
}
