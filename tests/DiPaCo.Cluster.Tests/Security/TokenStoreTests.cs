using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Cluster.Tests.Security;

public sealed class TokenStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ManualTime _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string File => _folder.File("tokens.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AToken_OpensUntilItExpires()
    {
        TokenStore store = new(File, _time);
        (string token, TokenRecord record) = store.Create(TokenRole.Worker, TimeSpan.FromHours(1));

        Assert.Equal(record, (await store.FindAsync(token, Cancellation)).Record);
        _time.Now += TimeSpan.FromHours(2);

        (TokenRecord? found, string reason) = await store.FindAsync(token, Cancellation);
        Assert.Null(found);
        Assert.Contains(record.Id, reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TheFile_HoldsNoToken_AndOnlyItsOwnerReadsIt()
    {
        (string token, _) = new TokenStore(File, _time).Create(TokenRole.Admin, TimeSpan.FromHours(1));

        Assert.DoesNotContain(token, System.IO.File.ReadAllText(File), StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        }
    }

    [Fact]
    public async Task ATokenThatAnotherProcessMakesOrRevokes_CountsAtTheNextQuestion()
    {
        TokenStore silo = new(File, _time);
        Assert.Null((await silo.FindAsync("anything", Cancellation)).Record);
        (string token, TokenRecord record) = new TokenStore(File, _time).Create(TokenRole.Read, TimeSpan.FromHours(1));

        Assert.Equal(TokenRole.Read, (await silo.FindAsync(token, Cancellation)).Record?.Role);
        Assert.True(new TokenStore(File, _time).Revoke(record.Id));

        Assert.Null((await silo.FindAsync(token, Cancellation)).Record);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[")]
    [InlineData("{}")]
    [InlineData("[{\"id\":1}]")]
    public async Task ADamagedFile_IsRefusedByName(string content)
    {
        System.IO.File.WriteAllText(File, content);

        Assert.Contains(File, (await Assert.ThrowsAsync<StorageException>(() => new TokenStore(File, _time).FindAsync("anything", Cancellation).AsTask())).Message, StringComparison.Ordinal);
    }

    private sealed class ManualTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
