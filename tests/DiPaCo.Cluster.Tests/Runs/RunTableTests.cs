using System.Collections.Immutable;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Tests;
using Npgsql;
using Xunit;

namespace DiPaCo.Cluster.Tests.Runs;

/// <summary>Journals in a real PostgreSQL server: one writer, nothing lost, nothing collected that a line names.</summary>
public sealed class RunTableTests(PostgresServer server) : IClassFixture<PostgresServer>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AHostThatWasTakenOver_CanNeverAppendAgain()
    {
        (RunTable table, FolderBlobStore store, _) = await BeginAsync();
        using PostgresJournal old = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        await old.AppendAsync(await EntryAsync(store, 1), Cancellation);

        using PostgresJournal now = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        JournalEntry late = await EntryAsync(store, 2);
        await Assert.ThrowsAsync<RunLostException>(() => old.AppendAsync(late, Cancellation));
        await now.AppendAsync(await EntryAsync(store, 3), Cancellation);
        await Assert.ThrowsAsync<RunLostException>(() => old.ForgetAsync(new HashSet<string>(), new HashSet<string>(), Cancellation));

        using PostgresJournal read = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        Assert.Equal(["task 1", "task 3"], read.Entries.Select(entry => entry.Key));
    }

    [Fact]
    public async Task ADeletedRun_IsGoneForItsHost_AndItsNameCanBeUsedAgain()
    {
        (RunTable table, FolderBlobStore store, _) = await BeginAsync();
        using PostgresJournal host = await PostgresJournal.OpenAsync(table, "run", Cancellation);

        Assert.True(await table.DeleteAsync("run", Cancellation));
        Assert.False(await table.DeleteAsync("run", Cancellation));
        JournalEntry late = await EntryAsync(store, 1);
        await Assert.ThrowsAsync<RunLostException>(() => host.AppendAsync(late, Cancellation));
        Assert.Empty(await table.NamesAsync(Cancellation));

        Assert.True(await table.BeginAsync("run", Header, [], Cancellation));
        Assert.False(await table.BeginAsync("run", Header, [], Cancellation));
        await Assert.ThrowsAsync<RunLostException>(() => host.AppendAsync(late, Cancellation));
        Assert.Equal(["run"], await table.NamesAsync(Cancellation));
    }

    [Fact]
    public async Task ALineWhoseBlobIsGone_IsNotWritten()
    {
        (RunTable table, FolderBlobStore store, _) = await BeginAsync();
        using PostgresJournal journal = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        JournalEntry entry = await EntryAsync(store, 1);
        await store.DeleteAsync(entry.Outputs["out"], Cancellation);

        await Assert.ThrowsAsync<MissingBlobException>(() => journal.AppendAsync(entry, Cancellation));
        Assert.Empty(journal.Entries);
        await EntryAsync(store, 1);
        await journal.AppendAsync(entry, Cancellation);
        Assert.Single(journal.Entries);
    }

    [Fact]
    public async Task AJournalThatForgets_IsReadBackAsItIs()
    {
        (RunTable table, FolderBlobStore store, _) = await BeginAsync();
        using PostgresJournal journal = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        JournalEntry first = await EntryAsync(store, 1);
        await journal.AppendAsync(first, Cancellation);
        await journal.AppendAsync(await EntryAsync(store, 2), Cancellation);

        await journal.ForgetAsync(new HashSet<string> { "task 1" }, new HashSet<string>(), Cancellation);
        await journal.AppendAsync(await EntryAsync(store, 3), Cancellation);
        Assert.False(journal.TryGet("task 1", out _));
        await journal.AppendAsync(first, Cancellation);

        using PostgresJournal read = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        Assert.Equal(["forgotten task 1", "task 2", "task 3", "task 1"], read.Entries.Select(entry => entry.Key));
    }

    [Fact]
    public async Task AChangedLine_IsRefused()
    {
        (RunTable table, FolderBlobStore store, string connection) = await BeginAsync();
        using (PostgresJournal journal = await PostgresJournal.OpenAsync(table, "run", Cancellation))
        {
            await journal.AppendAsync(await EntryAsync(store, 1), Cancellation);
            await journal.AppendAsync(await EntryAsync(store, 2), Cancellation);
        }

        await using NpgsqlConnection open = new(connection);
        await open.OpenAsync(Cancellation);
        await DatabaseCalls.ExecuteAsync(open, "UPDATE dipaco_journal SET line = convert_to(replace(convert_from(line, 'UTF8'), 'task 1', 'task 9'), 'UTF8') WHERE number = 1", Cancellation);

        StorageException refused = await Assert.ThrowsAsync<StorageException>(() => PostgresJournal.OpenAsync(table, "run", Cancellation));
        Assert.Contains("does not match its checksum", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AServerThatRestarts_IsWaitedFor()
    {
        (RunTable table, FolderBlobStore store, _) = await BeginAsync();
        using PostgresJournal journal = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        JournalEntry entry = await EntryAsync(store, 1);

        Task restart = server.RestartAsync(TimeSpan.FromSeconds(0.5));
        await journal.AppendAsync(entry, Cancellation);
        await restart;

        using PostgresJournal read = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        Assert.Single(read.Entries);
    }

    [Fact]
    public async Task Collection_TakesWhatNoRunNames_AndWaitsForThoseWhoAreAboutToNameABlob()
    {
        (RunTable table, FolderBlobStore store, _) = await BeginAsync();
        await table.BeginAsync("other", Header, [], Cancellation);
        using PostgresJournal journal = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        using PostgresJournal other = await PostgresJournal.OpenAsync(table, "other", Cancellation);
        JournalEntry named = await EntryAsync(store, 1), shared = await EntryAsync(store, 2), garbage = await EntryAsync(store, 3);
        await journal.AppendAsync(named, Cancellation);
        await journal.AppendAsync(shared, Cancellation);
        await other.AppendAsync(shared, Cancellation);
        await table.DeleteAsync("run", Cancellation);
        RunServices services = new(table, store, _folder.Path, TimeSpan.Zero, TimeProvider.System);

        GarbageReport report = await new BlobCollection(services).RunAsync(Cancellation);

        Assert.Equal((2, 1), (report.DeletedBlobs, report.KeptBlobs));
        Assert.True(await store.ExistsAsync(shared.Outputs["out"], Cancellation));
        Assert.False(await store.ExistsAsync(named.Outputs["out"], Cancellation));
        Assert.False(await store.ExistsAsync(garbage.Outputs["out"], Cancellation));
    }

    [Fact]
    public async Task CollectionWhileRunsGoOn_NeverTakesWhatALineNames()
    {
        (RunTable table, FolderBlobStore store, _) = await BeginAsync();
        using PostgresJournal journal = await PostgresJournal.OpenAsync(table, "run", Cancellation);
        RunServices services = new(table, store, _folder.Path, TimeSpan.Zero, TimeProvider.System);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        Task collecting = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await new BlobCollection(services).RunAsync(CancellationToken.None);
            }
        }, Cancellation);

        int again = 0;
        for (int number = 0; number < 60; number++)
        {
            while (true)
            {
                try
                {
                    await journal.AppendAsync(await EntryAsync(store, number), Cancellation);
                    break;
                }
                catch (MissingBlobException)
                {
                    // Taken between being made and being named: made again, as a run makes it.
                    again++;
                }
            }
        }

        await stop.CancelAsync();
        await collecting;
        TestContext.Current.SendDiagnosticMessage($"{again} blobs were made again");
        foreach (JournalEntry entry in journal.Entries)
        {
            Assert.True(await store.ExistsAsync(entry.Outputs["out"], Cancellation), entry.Key);
        }
    }

    [Fact]
    public async Task TokensAndCertificate_AreTheSameForAllSilos()
    {
        string database = await server.NewDatabaseAsync();
        await new ClusterDatabase(database).ApplySchemaAsync(Cancellation);
        DatabaseTokens one = new(database, TimeProvider.System), two = new(database, TimeProvider.System);

        (string token, TokenRecord record) = one.Create(TokenRole.Worker, TimeSpan.FromHours(1));

        Assert.Equal(record.Id, (await two.FindAsync(token, Cancellation)).Record?.Id);
        Assert.Null((await two.FindAsync(token + "x", Cancellation)).Record);
        Assert.Equal([record.Id], two.List().Select(known => known.Id));
        Assert.True(one.Revoke(record.Id));
        Assert.Null((await one.FindAsync(token, Cancellation)).Record);
        DatabaseDoor door = new(database, TimeProvider.System);
        using var first = await door.CertificateAsync(Cancellation);
        using var second = await new DatabaseDoor(database, TimeProvider.System).CertificateAsync(Cancellation);
        Assert.Equal(ServerCertificate.FingerprintOf(first), ServerCertificate.FingerprintOf(second));
        await Assert.ThrowsAsync<DiPaCoException>(() => door.ReadAsync(Cancellation));
        await door.OpenAsync("a", new DoorFile(["https://a:9"], "x"), Cancellation);
        await door.OpenAsync("a", new DoorFile(["https://a:1"], "x"), Cancellation);
        await door.OpenAsync("b", new DoorFile(["https://b:1"], "x"), Cancellation);
        Assert.Equal(["https://a:1", "https://b:1"], (await door.ReadAsync(Cancellation)).Addresses.Order());
    }

    public void Dispose() => _folder.Dispose();

    private static byte[][] Header => [.. ForgottenTask.Lines([], new HashSet<string>(), new HashSet<string>())];

    private async Task<(RunTable Table, FolderBlobStore Store, string Connection)> BeginAsync()
    {
        string connection = await server.NewDatabaseAsync();
        await new ClusterDatabase(connection).ApplySchemaAsync(Cancellation);
        FolderBlobStore store = new(Path.Combine(_folder.Path, Guid.NewGuid().ToString("n")));
        RunTable table = new(new DatabaseCalls(connection, TimeProvider.System), store);
        await table.BeginAsync("run", Header, [], Cancellation);
        return (table, store, connection);
    }

    private static async Task<JournalEntry> EntryAsync(FolderBlobStore store, int number)
    {
        BlobHash blob = await store.PutAsync(BitConverter.GetBytes(number), Cancellation);
        return new JournalEntry($"task {number}", "train", [], ImmutableSortedDictionary<string, BlobHash>.Empty.Add("out", blob));
    }
}
