using System.Globalization;
using System.Reflection;
using DiPaCo.Core;
using Npgsql;

namespace DiPaCo.Cluster;

/// <summary>
/// The PostgreSQL database of a scaled-out cluster: who is a silo of it, and the state of its grains. Its schema is applied in steps that
/// are numbered and never change; the database knows how many it has.
/// </summary>
/// <param name="connectionString">Where it is, in Npgsql's notation. Never logged: it may hold a password.</param>
public sealed class ClusterDatabase(string connectionString)
{
    /// <summary>The number of steps that this version of the program knows.</summary>
    public const int LatestSchema = 2;

    // Any number will do as long as no other program uses it: it keeps two silos that start together from applying the same step.
    private const long SchemaLock = 0x6469_7061_636f;

    /// <summary>Brings the schema up to date; several silos may do so at once.</summary>
    /// <returns>The steps that were applied now.</returns>
    /// <exception cref="DiPaCoException">The database cannot be reached or refuses, or a later version of the program made it.</exception>
    public Task<int> ApplySchemaAsync(CancellationToken cancellationToken) => ExplainAsync(async connection =>
    {
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, string.Create(CultureInfo.InvariantCulture, $"SELECT pg_advisory_xact_lock({SchemaLock})"), cancellationToken);
        await ExecuteAsync(connection, "CREATE TABLE IF NOT EXISTS dipaco_schema (step integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())", cancellationToken);
        int found = await ReadStepAsync(connection, cancellationToken);
        ThrowIfNewer(found);
        for (int step = found + 1; step <= LatestSchema; step++)
        {
            await ExecuteAsync(connection, ReadScript(step), cancellationToken);
            await ExecuteAsync(connection, string.Create(CultureInfo.InvariantCulture, $"INSERT INTO dipaco_schema (step) VALUES ({step})"), cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return LatestSchema - found;
    }, cancellationToken);

    /// <summary>Refuses a database whose schema is not the one that this version needs.</summary>
    /// <exception cref="DiPaCoException">The database cannot be reached, is empty, or of another version; says what to do.</exception>
    public Task ThrowIfNotReadyAsync(CancellationToken cancellationToken) => ExplainAsync(async connection =>
    {
        bool exists = await ScalarAsync(connection, "SELECT to_regclass('dipaco_schema') IS NOT NULL", cancellationToken) is true;
        int found = exists ? await ReadStepAsync(connection, cancellationToken) : 0;
        ThrowIfNewer(found);
        if (found < LatestSchema)
        {
            throw new DiPaCoException(
                $"The database '{connection.Database}' on {connection.Host} {(found == 0 ? "has no tables of a cluster" : $"has schema step {found} of {LatestSchema}")}. "
                + "Run 'dipaco silo --init-db' with the same --database once; it keeps what is there.");
        }

        return found;
    }, cancellationToken);

    private static void ThrowIfNewer(int found)
    {
        if (found > LatestSchema)
        {
            throw new DiPaCoException(
                $"The database has schema step {found}, this version of dipaco knows {LatestSchema}: a later version made it. Use that version or a later one.");
        }
    }

    private async Task<T> ExplainAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlConnection connection = new(connectionString);
            await connection.OpenAsync(cancellationToken);
            return await work(connection);
        }
        catch (ArgumentException exception)
        {
            // Its message may quote the text, in which a password may be.
            throw new DiPaCoException(
                $"The text given for the database (--database) is not a connection string ({exception.GetType().Name}); something like 'Host=db.example;Database=dipaco;Username=dipaco' was expected.");
        }
        catch (PostgresException exception)
        {
            throw new DiPaCoException($"PostgreSQL refused ({exception.SqlState}): {exception.MessageText}. Give the user of --database the right to create tables there, or let an administrator run 'dipaco silo --init-db'.", exception);
        }
        catch (NpgsqlException exception)
        {
            throw new DiPaCoException($"PostgreSQL cannot be reached: {(exception.InnerException ?? exception).Message}. Check host, port and user of --database, and that the server runs.", exception);
        }
    }

    private static async Task<int> ReadStepAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        (int)(await ScalarAsync(connection, "SELECT COALESCE(MAX(step), 0) FROM dipaco_schema", cancellationToken))!;

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string ReadScript(int step)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"DiPaCo.Cluster.Database.postgres-{step}.sql");
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The program lacks its own part '{name}'.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
