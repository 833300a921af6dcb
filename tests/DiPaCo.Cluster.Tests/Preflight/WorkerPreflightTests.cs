using System.Net;
using System.Net.Sockets;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Cluster.Tests.Workers;
using DiPaCo.Core;
using DiPaCo.Runtime.Storage;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Cluster.Tests.Preflight;

/// <summary>What can be wrong with a worker and its way to a silo is named before it joins.</summary>
public sealed class WorkerPreflightTests : IAsyncLifetime
{
    private const long GiB = 1L << 30;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly TemporaryFolder _folder = new();
    private SiloHost _silo = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _silo = await SiloHost.StartAsync(
        new SiloOptions { StateFolder = _folder.File("silo"), Listen = new IPEndPoint(IPAddress.Loopback, 0), LargestTaskBytes = 2 * GiB },
        new FolderBlobStore(_folder.File("blobs")), TimeProvider.System, Cancellation);

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task WhereAllIsWell_OneLineSaysWhatWasFound()
    {
        EventList events = new();
        Invitation invitation = Invite();
        using SiloChannel channel = new(_silo.Addresses[0], invitation);

        await PreflightOf(DoorTo(_silo.Addresses[0], invitation.Certificate), channel, events).RunAsync(Offer(), Space(), Cancellation);

        string found = Assert.Single(events.Of(WorkerEventKind.Checked));
        Assert.All(["127.0.0.1", "certificate is the invitation's", WorkerVersion.Text, "the largest task needs 2.00", "GFLOP/s"], text => Assert.Contains(text, found, StringComparison.Ordinal));
        Assert.Empty(events.Of(WorkerEventKind.Warned));
        Assert.Empty((await _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).StatusAsync()).Workers);
    }

    [Fact]
    public void WhoMakesOuterStepsOnly_IsNotHeldAgainstAPath()
    {
        Greeting greeting = new(WorkerVersion.Text, DateTimeOffset.UnixEpoch, 100 * GiB, MedianFlopsPerSecond: 1e18);

        MachineCheck found = MachineCheck.Of(greeting, Offer() with { OuterOnly = true }, Space(), DateTimeOffset.UnixEpoch);
        Assert.Null(found.Failure);
        Assert.Empty(found.Warnings);
        Assert.Contains(found.Facts, fact => fact.EndsWith("outer steps only", StringComparison.Ordinal));
        Assert.NotNull(MachineCheck.Of(greeting, Offer(), Space(), DateTimeOffset.UnixEpoch).Failure);
    }

    [Fact]
    public async Task NobodySpeaksInTheNameOfTheSilosOwnWorker()
    {
        Invitation invitation = Invite();
        using SiloChannel channel = new(_silo.Addresses[0], invitation);
        GrpcWorkerLink link = new(channel.Invoker, TimeProvider.System);

        LinkException found = await Assert.ThrowsAsync<LinkException>(() => link.RegisterAsync(Offer() with { Worker = "@here" }, Cancellation));
        Assert.Contains("'worker' is @here", found.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LinkException>(() => link.LeaveAsync("@here", 1, Cancellation));
        await Assert.ThrowsAsync<LinkException>(() => link.LeaseAsync(new LeaseQuestion("@here", 1, 1, []), Cancellation));
    }

    [Fact]
    public async Task ANameThatDoesNotResolve_IsNamed()
    {
        LinkException found = await RefusalOf(new Uri("https://no-such-host.invalid:7420"));

        Assert.False(found.IsFinal);
        Assert.Contains("'no-such-host.invalid'", found.Message, StringComparison.Ordinal);
        Assert.Contains("--public-host", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task APortOnWhichNobodyListens_IsNamed()
    {
        int port = FreePort.Find();

        LinkException found = await RefusalOf(new Uri($"https://127.0.0.1:{port}"));

        Assert.False(found.IsFinal);
        Assert.Contains($"127.0.0.1:{port} refuses connections", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoTakesConnectionsAndSaysNothing_IsNotWaitedForForEver()
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();

        LinkException found = await RefusalOf(new Uri($"https://{silent.LocalEndpoint}"), TimeSpan.FromSeconds(0.2));

        Assert.False(found.IsFinal);
        Assert.Contains("says nothing for 0.2 s", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhoSpeaksNoTls_IsNamed()
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        Task answering = AnswerAsync(other, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray());

        LinkException found = await RefusalOf(new Uri($"https://{other.LocalEndpoint}"));
        await answering;

        Assert.Contains("does not speak TLS", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ACertificateThatTheInvitationDoesNotName_EndsIt()
    {
        LinkException found = await RefusalOf(_silo.Addresses[0]);

        Assert.True(found.IsFinal);
        Assert.Contains("another certificate", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ATokenThatIsNotKnown_EndsIt()
    {
        Invitation invitation = Invite() with { Token = "guessed" };
        using SiloChannel channel = new(_silo.Addresses[0], invitation);

        LinkException found = await Assert.ThrowsAsync<LinkException>(
            () => PreflightOf(DoorTo(_silo.Addresses[0], invitation.Certificate), channel, new EventList()).RunAsync(Offer(), Space(), Cancellation));

        Assert.True(found.IsFinal);
        Assert.Contains("token", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AClockThatIsOff_IsSaid()
    {
        EventList events = new();
        Invitation invitation = Invite();
        using SiloChannel channel = new(_silo.Addresses[0], invitation);
        WorkerPreflight preflight = new(
            DoorTo(_silo.Addresses[0], invitation.Certificate), new GrpcWorkerLink(channel.Invoker, TimeProvider.System), new WorkerOptions(), events,
            new ShiftedTime(TimeSpan.FromHours(-1)));

        await preflight.RunAsync(Offer(), Space(), Cancellation);

        Assert.Matches(@"clock is 3\d\d\d s behind the silo's", Assert.Single(events.Of(WorkerEventKind.Warned)));
    }

    [Fact]
    public async Task WhatMayPass_IsTriedAgain_WithPausesThatGrowAndAnEnd()
    {
        Uri address = new($"https://127.0.0.1:{FreePort.Find()}");
        Invitation invitation = Invite();
        using SiloChannel channel = new(address, invitation);
        EventList events = new();
        SkippingTime time = new();
        WorkerOptions options = new() { Patience = TimeSpan.FromMinutes(10) };

        LinkException gaveUp = await Assert.ThrowsAsync<LinkException>(() => new WorkerPreflight(
            new SiloDoor(address, invitation.Certificate, Patience, TimeProvider.System), new GrpcWorkerLink(channel.Invoker, TimeProvider.System), options, events, time)
            .RunAsync(Offer(), Space(), Cancellation));

        Assert.Contains("Could not join for 10 min", gaveUp.Message, StringComparison.Ordinal);
        Assert.Contains("refuses connections", gaveUp.Message, StringComparison.Ordinal);
        Assert.Equal(options.LongestPause, time.Skipped.Max());
        Assert.Equal(time.Skipped.Count, events.Of(WorkerEventKind.Unreachable).Count());
        Assert.All(events.Of(WorkerEventKind.Unreachable), line => Assert.Contains("Next attempt in", line, StringComparison.Ordinal));
    }

    [Fact]
    public void AnotherVersion_NoRoom_AndASmallCache_EndIt()
    {
        Greeting greeting = new(WorkerVersion.Text, DateTimeOffset.UnixEpoch, 2 * GiB, 0);

        Assert.Contains("'0.0.1'", FailureOf(greeting with { Version = "0.0.1" }, Offer(), Space()), StringComparison.Ordinal);
        Assert.Contains("1.00 GiB left, a task of the run needs about 3.00 GiB", FailureOf(greeting, Offer(), Space() with { FreeBytes = GiB }), StringComparison.Ordinal);
        Assert.Contains("--cache-size", FailureOf(greeting, Offer(), Space() with { LimitBytes = GiB }), StringComparison.Ordinal);

        // What the cache holds already it would let go of.
        Assert.Null(MachineCheck.Of(greeting, Offer(), Space() with { FreeBytes = GiB, CachedBytes = 4 * GiB }, DateTimeOffset.UnixEpoch).Failure);
    }

    [Fact]
    public void LittleMemory_ASlowMachine_AndADiskSmallerThanTheCache_AreWarnings_AndWhatIsNotKnownIsSaid()
    {
        Greeting greeting = new(WorkerVersion.Text, DateTimeOffset.UnixEpoch, 0, 0);

        MachineCheck unknown = MachineCheck.Of(greeting, Offer(), Space(), DateTimeOffset.UnixEpoch);
        MachineCheck small = MachineCheck.Of(greeting with { LargestTaskBytes = 5 * GiB }, Offer(), Space(), DateTimeOffset.UnixEpoch);
        MachineCheck slow = MachineCheck.Of(greeting with { MedianFlopsPerSecond = 3e9 }, Offer(), Space(), DateTimeOffset.UnixEpoch);
        MachineCheck full = MachineCheck.Of(greeting, Offer(), Space() with { FreeBytes = GiB }, DateTimeOffset.UnixEpoch);

        Assert.Empty(unknown.Warnings);
        Assert.Contains(unknown.Facts, fact => fact.Contains("not known yet", StringComparison.Ordinal));
        Assert.Contains("smaller tasks only", Assert.Single(small.Warnings), StringComparison.Ordinal);
        Assert.Contains("3.0 times slower", Assert.Single(slow.Warnings), StringComparison.Ordinal);
        Assert.Contains("--cache-size", Assert.Single(full.Warnings), StringComparison.Ordinal);
    }

    private static string FailureOf(Greeting greeting, WorkerOffer offer, CacheSpace space)
    {
        MachineCheck check = MachineCheck.Of(greeting, offer, space, DateTimeOffset.UnixEpoch);
        return Assert.Throws<DiPaCoException>(() => check.Report("", new EventList())).Message;
    }

    private static Task<LinkException> RefusalOf(Uri address, TimeSpan? patience = null) => Assert.ThrowsAsync<LinkException>(
        () => new SiloDoor(address, new string('0', 64), patience ?? Patience, TimeProvider.System).LookAsync(Cancellation));

    private static SiloDoor DoorTo(Uri address, string certificate) => new(address, certificate, Patience, TimeProvider.System);

    private static WorkerPreflight PreflightOf(SiloDoor door, SiloChannel channel, EventList events) =>
        new(door, new GrpcWorkerLink(channel.Invoker, TimeProvider.System), new WorkerOptions(), events, TimeProvider.System);

    private static WorkerOffer Offer() => new("w", 1, WorkerVersion.Text, "cpu", 4 * GiB, 1e9, "print", 1);

    private static CacheSpace Space() => new("cache", 20 * GiB, 100 * GiB, 0);

    private static async Task AnswerAsync(TcpListener listener, byte[] answer)
    {
        using Socket socket = await listener.AcceptSocketAsync(Cancellation);
        await socket.SendAsync(answer, Cancellation);
        socket.Shutdown(SocketShutdown.Send);
    }

    private Invitation Invite() => _silo.InvitationFor(_silo.Tokens.Create(TokenRole.Worker, TimeSpan.FromHours(1)).Token);
}
