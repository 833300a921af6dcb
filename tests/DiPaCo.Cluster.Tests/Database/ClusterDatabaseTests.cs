using DiPaCo.Core;
using Npgsql;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Cluster.Tests.Database;

public sealed class ClusterDatabaseTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnEmptyDatabase_IsRefusedUntilItsSchemaIsApplied()
    {
        ClusterDatabase database = new(await server.NewDatabaseAsync());

        DiPaCoException refused = await Assert.ThrowsAsync<DiPaCoException>(() => database.ThrowIfNotReadyAsync(Cancellation));
        Assert.Contains("--init-db", refused.Message, StringComparison.Ordinal);

        Assert.Equal(ClusterDatabase.LatestSchema, await database.ApplySchemaAsync(Cancellation));
        Assert.Equal(0, await database.ApplySchemaAsync(Cancellation));
        await database.ThrowIfNotReadyAsync(Cancellation);
    }

    [Fact]
    public async Task SeveralSilosThatApplyTheSchemaAtOnce_ApplyItOnce()
    {
        ClusterDatabase database = new(await server.NewDatabaseAsync());

        int[] applied = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => database.ApplySchemaAsync(Cancellation)));

        Assert.Equal(ClusterDatabase.LatestSchema, applied.Sum());
    }

    [Fact]
    public async Task ADatabaseOfALaterVersion_IsRefused()
    {
        string connection = await server.NewDatabaseAsync();
        ClusterDatabase database = new(connection);
        await database.ApplySchemaAsync(Cancellation);
        await using NpgsqlConnection open = new(connection);
        await open.OpenAsync(Cancellation);
        await using NpgsqlCommand command = new("INSERT INTO dipaco_schema (step) VALUES (99)", open);
        await command.ExecuteNonQueryAsync(Cancellation);

        Assert.Contains("99", (await Assert.ThrowsAsync<DiPaCoException>(() => database.ThrowIfNotReadyAsync(Cancellation))).Message, StringComparison.Ordinal);
        Assert.Contains("99", (await Assert.ThrowsAsync<DiPaCoException>(() => database.ApplySchemaAsync(Cancellation))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=x;Password=hunter2;Database=x;Timeout=2")]
    [InlineData("this is no connection string; Password=hunter2")]
    public async Task WhatCannotBeReached_IsSaidWithoutThePassword(string connection)
    {
        DiPaCoException exception = await Assert.ThrowsAsync<DiPaCoException>(() => new ClusterDatabase(connection).ThrowIfNotReadyAsync(Cancellation));

        Assert.DoesNotContain("hunter2", exception.ToString(), StringComparison.Ordinal);
        Assert.Contains("--database", exception.Message, StringComparison.Ordinal);
    }
}
