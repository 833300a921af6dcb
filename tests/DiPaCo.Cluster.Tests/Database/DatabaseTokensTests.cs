using System.Diagnostics;
using DiPaCo.Tests;
using Npgsql;
using Xunit;

namespace DiPaCo.Cluster.Tests.Database;

/// <summary>The tokens of a cluster whose database does not answer, or not well.</summary>
public sealed class DatabaseTokensTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private readonly ForwardTime _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ADatabaseThatDoesNotAnswer_HoldsUpNobodyWhoseTokenIsKnown()
    {
        (string database, DatabaseTokens tokens) = await BeginAsync();
        (string token, TokenRecord record) = tokens.Create(TokenRole.Worker, TimeSpan.FromHours(1));
        Assert.Equal(record.Id, (await tokens.FindAsync(token, Cancellation)).Record?.Id);
        await using NpgsqlConnection other = new(database);
        await other.OpenAsync(Cancellation);
        await using NpgsqlTransaction held = await other.BeginTransactionAsync(Cancellation);
        await ExecuteAsync(other, "LOCK TABLE dipaco_token IN ACCESS EXCLUSIVE MODE");
        _time.Pass(TimeSpan.FromSeconds(3));

        for (int request = 0; request < 20; request++)
        {
            ValueTask<(TokenRecord? Record, string Reason)> found = tokens.FindAsync(token, Cancellation);
            Assert.True(found.IsCompletedSuccessfully, "a request waits for the database");
            Assert.Equal(record.Id, (await found).Record?.Id);
        }

        // A token that is not on the list may have been made meanwhile.
        Task<(TokenRecord? Record, string Reason)> stranger = tokens.FindAsync("x", Cancellation).AsTask();
        Assert.False(stranger.IsCompleted);
        await held.RollbackAsync(Cancellation);
        Assert.Null((await stranger).Record);
    }

    [Fact]
    public async Task AListThatCannotBeReadAgain_CountsForMinutes_AndNoLonger()
    {
        (string database, DatabaseTokens tokens) = await BeginAsync();
        (string token, TokenRecord record) = tokens.Create(TokenRole.Worker, TimeSpan.FromHours(1));
        await tokens.FindAsync(token, Cancellation);
        await using NpgsqlConnection other = new(database);
        await other.OpenAsync(Cancellation);
        await ExecuteAsync(other, "ALTER TABLE dipaco_token RENAME TO elsewhere");

        _time.Pass(TimeSpan.FromMinutes(5));
        Assert.Equal(record.Id, (await tokens.FindAsync(token, Cancellation)).Record?.Id);
        await Assert.ThrowsAsync<DatabaseAwayException>(() => tokens.FindAsync("x", Cancellation).AsTask());
        _time.Pass(TimeSpan.FromMinutes(6));
        await Assert.ThrowsAsync<DatabaseAwayException>(() => tokens.FindAsync(token, Cancellation).AsTask());

        await ExecuteAsync(other, "ALTER TABLE elsewhere RENAME TO dipaco_token");
        _time.Pass(TimeSpan.FromSeconds(3));
        Assert.Equal(record.Id, (await tokens.FindAsync(token, Cancellation)).Record?.Id);
    }

    [Fact]
    public async Task ATokenThatIsRevokedElsewhere_IsRefusedByASiloThatNobodyHasAskedForAWhile()
    {
        (string database, DatabaseTokens tokens) = await BeginAsync();
        (string token, TokenRecord record) = tokens.Create(TokenRole.Worker, TimeSpan.FromHours(1));
        await tokens.FindAsync(token, Cancellation);

        new DatabaseTokens(database, TimeProvider.System).Revoke(record.Id);
        _time.Pass(TimeSpan.FromMinutes(1));

        Assert.Null((await tokens.FindAsync(token, Cancellation)).Record);
    }

    [Fact]
    public async Task ATokenThatIsMadeElsewhere_OpensABusySiloAtOnce()
    {
        (string database, DatabaseTokens tokens) = await BeginAsync();
        await tokens.FindAsync("x", Cancellation);

        (string token, TokenRecord record) = new DatabaseTokens(database, TimeProvider.System).Create(TokenRole.Worker, TimeSpan.FromHours(1));
        _time.Pass(TimeSpan.FromSeconds(1));

        Assert.Equal(record.Id, (await tokens.FindAsync(token, Cancellation)).Record?.Id);
    }

    private async Task<(string Database, DatabaseTokens Tokens)> BeginAsync()
    {
        string database = await server.NewDatabaseAsync();
        await new ClusterDatabase(database).ApplySchemaAsync(Cancellation);
        return (database, new DatabaseTokens(database, _time));
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync(Cancellation);
    }

    /// <summary>Ages are those that the test wants; waiting is real.</summary>
    private sealed class ForwardTime : TimeProvider
    {
        private TimeSpan _passed;

        public void Pass(TimeSpan time) => _passed += time;

        public override long GetTimestamp() => base.GetTimestamp() + (long)(_passed.TotalSeconds * Stopwatch.Frequency);
    }
}
