using System.Net;
using DiPaCo.Cli.Tests.Support;
using DiPaCo.Cluster;
using DiPaCo.Runtime.Storage;
using Xunit;

namespace DiPaCo.Cli.Tests;

/// <summary>Tokens and status of a real silo, which another process would have.</summary>
public sealed class ClusterCommandTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private SiloHost _silo = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _silo = await SiloHost.StartAsync(
        new SiloOptions { StateFolder = SiloCluster.StateFolderOf(_folder["run"]), Listen = new IPEndPoint(IPAddress.Loopback, 0) },
        new FolderBlobStore(_folder["blobs"]), TimeProvider.System, Cancellation);

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task ATokenForReading_ShowsTheWorkers_UntilItIsRevoked()
    {
        await _silo.Link.RegisterAsync(new WorkerOffer("machine-7", 1, WorkerVersion.Text, "a [red]device[/]", 1L << 30, 1e9, "print", 1), Cancellation);
        CommandLine create = new(), list = new(), status = new(), revoke = new(), refused = new();

        Assert.Equal(ExitCodes.Success, await create.RunAsync("token", "create", _folder["run"], "--role", "read", "--days", "1"));
        string invitation = create.Standard.Trim();
        string id = create.Error.Split(' ')[1];
        Assert.Equal(ExitCodes.Success, await list.RunAsync("token", "list", _folder["run"]));
        Assert.Equal(ExitCodes.Success, await status.RunAsync("status", "--join", invitation));
        Assert.Equal(ExitCodes.Success, await revoke.RunAsync("token", "revoke", _folder["run"], id));
        Assert.Equal(ExitCodes.UserError, await refused.RunAsync("status", "--join", invitation));

        Assert.StartsWith("dipaco1.", invitation, StringComparison.Ordinal);
        Assert.Contains(id, list.Standard, StringComparison.Ordinal);
        Assert.Contains("read", list.Standard, StringComparison.Ordinal);
        Assert.DoesNotContain(Invitation.Read(invitation).Token, list.Standard, StringComparison.Ordinal);
        Assert.Contains("machine-7", status.Standard, StringComparison.Ordinal);
        Assert.Contains("Idle.", status.Standard, StringComparison.Ordinal);
        Assert.Contains("1 workers, 0 tasks", status.Standard, StringComparison.Ordinal);
        Assert.Contains("token", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASiloOfOneRun_TakesNoOtherRuns_AndSaysSo()
    {
        CommandLine create = new(), pause = new();
        await create.RunAsync("token", "create", _folder["run"], "--role", "admin");

        Assert.Equal(ExitCodes.UserError, await pause.RunAsync("run", "pause", "name", "--join", create.Standard.Trim()));

        Assert.Contains("belongs to the process of one run", pause.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASilo_SaysWhatIsMissing_AndNeverShowsTheConnectionString()
    {
        CommandLine bare = new(), unset = new(), unreachable = new(), nonsense = new(), place = new(), twice = new();

        Assert.Equal(ExitCodes.Usage, await bare.RunAsync("silo"));
        Assert.Equal(ExitCodes.UserError, await unset.RunAsync("silo", "--init-db", "--database", "env:DIPACO_NO_SUCH_VARIABLE"));
        Assert.Equal(ExitCodes.UserError, await unreachable.RunAsync("silo", "--init-db", "--database", "Host=127.0.0.1;Port=1;Username=u;Password=geheim;Timeout=2"));
        Assert.Equal(ExitCodes.UserError, await nonsense.RunAsync("silo", "--init-db", "--database", "geheim"));
        Assert.Equal(ExitCodes.UserError, await place.RunAsync("silo", "--database", "Host=127.0.0.1", "--blobs", "ftp://x", "--listen", "127.0.0.1:0", "--state", _folder["state"]));
        Assert.Equal(ExitCodes.Usage, await twice.RunAsync("token", "list", _folder["run"], "--database", "Host=127.0.0.1"));

        Assert.Contains("--database", bare.Error, StringComparison.Ordinal);
        Assert.Contains("--blobs", bare.Error, StringComparison.Ordinal);
        Assert.Contains("DIPACO_NO_SUCH_VARIABLE", unset.Error, StringComparison.Ordinal);
        Assert.Contains("cannot be reached", unreachable.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", unreachable.Error + nonsense.Error, StringComparison.Ordinal);
        Assert.Contains("azure://", place.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATokenForReading_DoesNotLetAWorkerIn()
    {
        CommandLine create = new();
        await create.RunAsync("token", "create", _folder["run"], "--role", "read");
        Invitation invitation = Invitation.Read(create.Standard);
        using SiloChannel channel = new(invitation.Addresses[0], invitation);

        LinkException refused = await Assert.ThrowsAsync<LinkException>(() => new GrpcWorkerLink(channel.Invoker, TimeProvider.System).GreetAsync(Cancellation));

        Assert.True(refused.IsFinal);
        Assert.Contains("workers", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AFolderWithoutASilo_AnUnknownToken_AndOtherRoles_AreRefused()
    {
        CommandLine elsewhere = new(), unknown = new(), role = new(), both = new();

        Assert.Equal(ExitCodes.UserError, await elsewhere.RunAsync("token", "create", _folder["nothing"]));
        Assert.Equal(ExitCodes.UserError, await unknown.RunAsync("token", "revoke", _folder["run"], "00000000"));
        Assert.Equal(ExitCodes.Usage, await role.RunAsync("token", "create", _folder["run"], "--role", "king"));
        Assert.Equal(ExitCodes.Usage, await both.RunAsync("status", _folder["run"], "--join", "dipaco1.x"));

        Assert.Contains("--listen", elsewhere.Error, StringComparison.Ordinal);
        Assert.Contains("'00000000'", unknown.Error, StringComparison.Ordinal);
        Assert.Contains("'king'", role.Error, StringComparison.Ordinal);
        Assert.Contains("of which run", both.Error, StringComparison.Ordinal);
    }
}
