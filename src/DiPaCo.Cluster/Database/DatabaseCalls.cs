using DiPaCo.Runtime.Storage;
using Npgsql;

namespace DiPaCo.Cluster;

/// <summary>
/// Work in the cluster's database that outlives the server's restarts: what fails because the server is not there is tried again until a
/// deadline. All work is such that doing it twice does it once.
/// </summary>
/// <param name="connectionString">Where the database is. Never logged.</param>
/// <param name="time">For pauses and the deadline.</param>
internal sealed class DatabaseCalls(string connectionString, TimeProvider time)
{
    private const string Place = "the cluster's database";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(0.3);
    private static readonly TimeSpan Deadline = TimeSpan.FromMinutes(5);

    /// <summary>Does something in one transaction.</summary>
    /// <param name="work">The work; what it throws undoes it.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="StorageException">The server refuses.</exception>
    /// <exception cref="DatabaseAwayException">The server was not there for too long.</exception>
    public async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        long begun = time.GetTimestamp();
        while (true)
        {
            try
            {
                await using NpgsqlConnection connection = new(connectionString);
                await connection.OpenAsync(cancellationToken);
                await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
                T result = await work(connection);
                await transaction.CommitAsync(cancellationToken);
                return result;
            }
            catch (NpgsqlException exception) when (IsPassing(exception) && time.GetElapsedTime(begun) < Deadline)
            {
                await Task.Delay(Pause, time, cancellationToken);
            }
            catch (NpgsqlException exception) when (IsPassing(exception))
            {
                throw new DatabaseAwayException($"PostgreSQL cannot be reached for {Deadline.TotalMinutes:0} min: {(exception.InnerException ?? exception).Message} Check that the server runs.", exception);
            }
            catch (PostgresException exception)
            {
                throw new StorageException(Place, $"PostgreSQL refused ({exception.SqlState}): {exception.MessageText}", exception);
            }
        }
    }

    /// <summary>A statement with its parameters, in order <c>$1</c>, <c>$2</c>, …</summary>
    public static NpgsqlCommand Command(NpgsqlConnection connection, string sql, params ReadOnlySpan<object> parameters)
    {
        NpgsqlCommand command = new(sql, connection);
        foreach (object parameter in parameters)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        }

        return command;
    }

    /// <summary>Runs a statement; returns how many rows it changed.</summary>
    public static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        await using NpgsqlCommand command = Command(connection, sql, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The first column of the first row; null where there is none.</summary>
    public static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, params object[] parameters)
    {
        await using NpgsqlCommand command = Command(connection, sql, parameters);
        return await command.ExecuteScalarAsync(cancellationToken) is { } value and not DBNull ? value : null;
    }

    /// <summary>Whether the server may be back soon: the connection broke, it is starting or stopping, or two transactions were in each other's way.</summary>
    private static bool IsPassing(NpgsqlException exception) =>
        exception is not PostgresException refusal || exception.IsTransient || refusal.SqlState.StartsWith("57P", StringComparison.Ordinal)
        || refusal.SqlState.StartsWith("08", StringComparison.Ordinal) || refusal.SqlState.StartsWith("40", StringComparison.Ordinal);
}
