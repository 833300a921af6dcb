using System.Collections.Immutable;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using Npgsql;

namespace DiPaCo.Cluster;

/// <summary>
/// The runs of a cluster and their journals in PostgreSQL. A line is appended only by the newest writer, whose number (epoch) is checked in
/// the same transaction; and only while no blob can be collected, so that what a line names is there and stays.
/// </summary>
/// <param name="calls">The database.</param>
/// <param name="store">The blobs that lines name.</param>
internal sealed class RunTable(DatabaseCalls calls, IBlobStore store)
{
    // Held together by those who refer to blobs, alone by the one who deletes them.
    private const long CollectionLock = 0x6469_7061_636f_01;

    /// <summary>All runs that are not deleted, by name.</summary>
    public Task<ImmutableArray<string>> NamesAsync(CancellationToken cancellationToken) => calls.RunAsync(async connection =>
    {
        await using NpgsqlCommand command = DatabaseCalls.Command(connection, "SELECT name FROM dipaco_run WHERE NOT is_deleted ORDER BY name COLLATE \"C\"");
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        ImmutableArray<string>.Builder names = ImmutableArray.CreateBuilder<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            names.Add(reader.GetString(0));
        }

        return names.ToImmutable();
    }, cancellationToken);

    /// <summary>Begins a run with the first lines of its journal, or finds that it is there.</summary>
    /// <returns>Whether it was begun now.</returns>
    /// <exception cref="MissingBlobException">A blob that the lines name is not there.</exception>
    public Task<bool> BeginAsync(string run, IReadOnlyList<byte[]> lines, IReadOnlyCollection<BlobHash> blobs, CancellationToken cancellationToken) => calls.RunAsync(async connection =>
    {
        await ShareAsync(connection, cancellationToken);
        await RenewAsync(blobs, cancellationToken);
        bool isNew = await DatabaseCalls.ExecuteAsync(
            connection,
            "INSERT INTO dipaco_run (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET is_deleted = false, epoch = dipaco_run.epoch + 1, rewritten = dipaco_run.rewritten + 1 WHERE dipaco_run.is_deleted",
            cancellationToken, run) > 0;
        if (isNew)
        {
            await InsertAsync(connection, run, 0, lines, cancellationToken);
        }

        return isNew;
    }, cancellationToken);

    /// <summary>Makes the caller the only one who may append.</summary>
    /// <returns>Its number.</returns>
    /// <exception cref="RunLostException">There is no such run.</exception>
    public async Task<long> TakeOverAsync(string run, CancellationToken cancellationToken) => await calls.RunAsync(
        connection => DatabaseCalls.ScalarAsync(connection, "UPDATE dipaco_run SET epoch = epoch + 1 WHERE name = $1 AND NOT is_deleted RETURNING epoch", cancellationToken, run),
        cancellationToken) as long? ?? throw new RunLostException(run);

    /// <summary>A run's journal as the bytes of its file, from a line on.</summary>
    /// <returns>The lines, and where the journal stood when they were read.</returns>
    public Task<(byte[] Lines, JournalState State)> ReadAsync(string run, long from, CancellationToken cancellationToken) =>
        calls.RunAsync(connection => ReadAsync(connection, run, from, cancellationToken), cancellationToken);

    /// <summary>Appends a line.</summary>
    /// <param name="run">The run.</param>
    /// <param name="epoch">The writer's number.</param>
    /// <param name="number">The line's number.</param>
    /// <param name="line">The line.</param>
    /// <param name="blobs">What it names as there; they count as put now.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="RunLostException">Another writer has a larger number.</exception>
    /// <exception cref="MissingBlobException">A blob is not there.</exception>
    public Task<bool> AppendAsync(
        string run, long epoch, long number, byte[] line, IReadOnlyCollection<BlobHash> blobs, CancellationToken cancellationToken) => calls.RunAsync(async connection =>
    {
        await ShareAsync(connection, cancellationToken);
        await ThrowIfLostAsync(connection, run, epoch, cancellationToken);
        await RenewAsync(blobs, cancellationToken);
        if (await DatabaseCalls.ExecuteAsync(
            connection, "INSERT INTO dipaco_journal (run, number, line) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", cancellationToken, run, number, line) > 0)
        {
            return true;
        }

        // The connection broke after the line was kept, and before this writer knew.
        byte[]? kept = await DatabaseCalls.ScalarAsync(connection, "SELECT line FROM dipaco_journal WHERE run = $1 AND number = $2", cancellationToken, run, number) as byte[];
        return line.AsSpan().SequenceEqual(kept) ? false : throw new RunLostException(run);
    }, cancellationToken);

    /// <summary>Puts other lines in the place of a journal's.</summary>
    /// <exception cref="RunLostException">Another writer has a larger number.</exception>
    public Task<bool> ReplaceAsync(string run, long epoch, IReadOnlyList<byte[]> lines, CancellationToken cancellationToken) => calls.RunAsync(async connection =>
    {
        await ShareAsync(connection, cancellationToken);
        await ThrowIfLostAsync(connection, run, epoch, cancellationToken);
        await DatabaseCalls.ExecuteAsync(connection, "UPDATE dipaco_run SET rewritten = rewritten + 1 WHERE name = $1", cancellationToken, run);
        await DatabaseCalls.ExecuteAsync(connection, "DELETE FROM dipaco_journal WHERE run = $1", cancellationToken, run);
        await InsertAsync(connection, run, 0, lines, cancellationToken);
        return true;
    }, cancellationToken);

    /// <summary>Deletes a run and its journal. Its name, and the number of its last writer, stay: nobody who still computes it can bring it back.</summary>
    public Task<bool> DeleteAsync(string run, CancellationToken cancellationToken) => calls.RunAsync(async connection =>
    {
        bool found = await DatabaseCalls.ExecuteAsync(
            connection, "UPDATE dipaco_run SET is_deleted = true, epoch = epoch + 1, rewritten = rewritten + 1 WHERE name = $1 AND NOT is_deleted", cancellationToken, run) > 0;
        await DatabaseCalls.ExecuteAsync(connection, "DELETE FROM dipaco_journal WHERE run = $1", cancellationToken, run);
        return found;
    }, cancellationToken);

    /// <summary>Does something while no line can be appended: what the journals name now is all that they name.</summary>
    /// <param name="alone">Is given a way to read journals' ends as they are now.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public Task<T> AloneAsync<T>(Func<Func<string, long, Task<(byte[] Lines, JournalState State)>>, Task<T>> alone, CancellationToken cancellationToken) => calls.RunAsync(async connection =>
    {
        await DatabaseCalls.ExecuteAsync(connection, "SELECT pg_advisory_xact_lock($1)", cancellationToken, CollectionLock);
        return await alone((run, from) => ReadAsync(connection, run, from, cancellationToken));
    }, cancellationToken);

    private static async Task<(byte[] Lines, JournalState State)> ReadAsync(NpgsqlConnection connection, string run, long from, CancellationToken cancellationToken)
    {
        long rewritten = await DatabaseCalls.ScalarAsync(connection, "SELECT rewritten FROM dipaco_run WHERE name = $1", cancellationToken, run) as long? ?? 0;
        await using NpgsqlCommand command = DatabaseCalls.Command(connection, "SELECT line FROM dipaco_journal WHERE run = $1 AND number >= $2 ORDER BY number", run, from);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        using MemoryStream lines = new();
        long count = from;
        for (; await reader.ReadAsync(cancellationToken); count++)
        {
            lines.Write(reader.GetFieldValue<byte[]>(0));
        }

        return (lines.ToArray(), new JournalState(rewritten, count));
    }

    private static Task<int> ShareAsync(NpgsqlConnection connection, CancellationToken cancellationToken) =>
        DatabaseCalls.ExecuteAsync(connection, "SELECT pg_advisory_xact_lock_shared($1)", cancellationToken, CollectionLock);

    private static async Task ThrowIfLostAsync(NpgsqlConnection connection, string run, long epoch, CancellationToken cancellationToken)
    {
        // The row stays locked until the end of the transaction: who takes over waits for it.
        if (await DatabaseCalls.ScalarAsync(connection, "SELECT epoch FROM dipaco_run WHERE name = $1 AND NOT is_deleted FOR UPDATE", cancellationToken, run) as long? != epoch)
        {
            throw new RunLostException(run);
        }
    }

    private static async Task InsertAsync(NpgsqlConnection connection, string run, long first, IReadOnlyList<byte[]> lines, CancellationToken cancellationToken)
    {
        for (int i = 0; i < lines.Count; i++)
        {
            await DatabaseCalls.ExecuteAsync(
                connection, "INSERT INTO dipaco_journal (run, number, line) VALUES ($1, $2, $3)", cancellationToken, run, first + i, lines[i]);
        }
    }

    private async Task RenewAsync(IReadOnlyCollection<BlobHash> blobs, CancellationToken cancellationToken)
    {
        foreach (BlobHash blob in blobs)
        {
            if (await store.FindAsync(blob, cancellationToken) is not { } info || !await store.RenewAsync(blob, info.Bytes, cancellationToken))
            {
                throw new MissingBlobException(blob, "the cluster's store");
            }
        }
    }
}
