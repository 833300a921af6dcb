using System.Collections.Immutable;
using System.Net;
using System.Text;
using DiPaCo.Cluster.Tests.Support;
using DiPaCo.Core;
using DiPaCo.Core.Configuration;
using DiPaCo.Runtime.Rules;
using DiPaCo.Runtime.Storage;
using DiPaCo.Runtime.Tasks;
using DiPaCo.Training;
using Xunit;

namespace DiPaCo.Cluster.Tests.Hosting;

/// <summary>A real silo, reached over TLS and gRPC as a worker reaches it.</summary>
public sealed class SiloHostTests : IAsyncLifetime
{
    private static readonly string Key = BlobHash.Of([1]).Hex;

    private static readonly TransformerShape Shape = new()
    {
        Vocabulary = 320, Blocks = 1, Width = 32, Heads = 2, KeyValueHeads = 2, HeadWidth = 16, FeedForward = 64,
    };

    private readonly TemporaryFolder _folder = new();
    private FolderBlobStore _blobs = null!;
    private SiloHost _silo = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _blobs = new FolderBlobStore(Path.Combine(_folder.Path, "blobs"));
        _silo = await SiloHost.StartAsync(
            new SiloOptions { StateFolder = Path.Combine(_folder.Path, "silo"), Listen = new IPEndPoint(IPAddress.Loopback, 0), Lease = TimeSpan.FromSeconds(2) },
            _blobs, TimeProvider.System, Cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task ATask_GoesFromARunToAWorkerAndBack()
    {
        using SiloChannel channel = ChannelFor(TokenRole.Worker);
        GrpcWorkerLink link = new(channel.Invoker, TimeProvider.System);
        await link.RegisterAsync(Offer("w", 1), Cancellation);
        IDispatcherGrain dispatcher = _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);
        Task<LeaseOutcome> leasing = link.LeaseAsync(new LeaseQuestion("w", 1, 1, []), Cancellation);

        await dispatcher.OrderAsync(Order());
        LeasedTask leased = (await leasing).Task!;
        HeartbeatOutcome beat = await link.HeartbeatAsync(
            new HeartbeatNote("w", 1, leased.Lease, leased.Key, 0.5, TimeSpan.FromSeconds(1), new StepBatch(0, [new StepReport(1, 2, null)])), Cancellation);
        TaskNews news = await dispatcher.WatchAsync(Key, 0, 0);
        TaskDelivery delivery = new(ImmutableSortedDictionary<string, string>.Empty.Add("out", BlobHash.Of([2]).Hex), "{}", TimeSpan.FromSeconds(2), StepBatch.None);
        DeliveryOutcome first = await link.CompleteAsync("w", 1, leased.Lease, Key, delivery, Cancellation);
        DeliveryOutcome again = await link.CompleteAsync("w", 1, leased.Lease, Key, delivery, Cancellation);
        DeliveryOutcome other = await link.CompleteAsync("w", 1, leased.Lease, Key, delivery with { Metrics = "{\"a\":1}" }, Cancellation);

        Assert.Equal((HeartbeatVerdict.Continue, leased.Lease), (beat.Verdict, beat.Lease));
        Assert.Single(news.Steps.Steps);
        Assert.Equal([CompletionVerdict.Taken, CompletionVerdict.Known, CompletionVerdict.Contradiction], [first.Verdict, again.Verdict, other.Verdict]);
        TaskNews end = await dispatcher.WatchAsync(Key, 1, 0);
        Assert.Equal(delivery.Outputs, end.Delivery!.Outputs);
        await dispatcher.ForgetAsync("run", Key);
        Assert.False((await dispatcher.WatchAsync(Key, 0, 0)).IsKnown);
    }

    [Fact]
    public async Task AWorkerThatLeaves_IsNoLongerThere_AndItsOldSelfCannotSendItsNewOneAway()
    {
        using SiloChannel channel = ChannelFor(TokenRole.Worker);
        GrpcWorkerLink link = new(channel.Invoker, TimeProvider.System);
        IDispatcherGrain dispatcher = _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);
        await link.RegisterAsync(Offer("w", 2), Cancellation);

        await link.LeaveAsync("w", 1, Cancellation);
        Assert.Single((await dispatcher.StatusAsync()).Workers);
        await link.LeaveAsync("w", 2, Cancellation);
        await link.LeaveAsync("w", 2, Cancellation);

        Assert.Empty((await dispatcher.StatusAsync()).Workers);
    }

    [Fact]
    public async Task TasksThatARunAsksForAtTheSameTime_AreLeasedAtTheSameTime_AndForgottenOnceRecorded()
    {
        ClusterExecutor executor = new(() => _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key), "run", ComputeType.Fp32, "", TimeProvider.System);
        ForkSpec[] specs = [.. new byte[] { 1, 2 }.Select(parent => new ForkSpec(Shape, BlobHash.Of([parent]), []))];
        await _silo.Link.RegisterAsync(Offer("w", 1) with { Slots = 2 }, Cancellation);

        Assert.True(executor.IsParallel);
        Task<TaskResult>[] asked = [.. specs.Select(spec => executor.ExecuteAsync(spec, new FolderBlobStore(_folder.Path), null, Cancellation))];
        LeasedTask[] leased = [(await _silo.Link.LeaseAsync(new LeaseQuestion("w", 1, 1, []), Cancellation)).Task!, (await _silo.Link.LeaseAsync(new LeaseQuestion("w", 1, 2, []), Cancellation)).Task!];
        foreach (LeasedTask task in leased)
        {
            BlobHash module = await _blobs.PutAsync(Encoding.UTF8.GetBytes(task.Key), Cancellation);
            TaskDelivery delivery = new(ImmutableSortedDictionary<string, string>.Empty.Add("module", module.Hex), "{}", TimeSpan.Zero, StepBatch.None);
            await _silo.Link.CompleteAsync("w", 1, task.Lease, task.Key, delivery, Cancellation);
        }

        TaskResult[] results = await Task.WhenAll(asked);
        Assert.Equal(specs.Select(spec => BlobHash.Of(Encoding.UTF8.GetBytes(spec.Key().Hex)).Hex), results.Select(result => result["module"].Hex));
        IDispatcherGrain dispatcher = _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);
        Assert.Equal(2, (await dispatcher.StatusAsync()).Tasks.Length);
        foreach (ForkSpec spec in specs)
        {
            await executor.RecordedAsync(spec.Key());
        }

        Assert.Empty((await dispatcher.StatusAsync()).Tasks);
    }

    [Fact]
    public async Task ARunRoundsAsMostWorkersDoInItsComputeType()
    {
        IDispatcherGrain dispatcher = _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);
        Assert.Null(await dispatcher.NumericsAsync(ComputeType.Fp32));
        foreach ((string name, string fingerprint) in new[] { ("amd", "fp32:1 bf16:2"), ("intel", "fp32:1 bf16:3"), ("old", "fp32:0 bf16:4"), ("another old", "fp32:0 bf16:5"), ("amx", "fp32:1 bf16:5") })
        {
            await _silo.Link.RegisterAsync(Offer(name, 1) with { Fingerprint = fingerprint }, Cancellation);
        }

        Assert.Equal(new NumericsChoice("fp32:1", "cpu"), await dispatcher.NumericsAsync(ComputeType.Fp32));
        Assert.Equal(new NumericsChoice("bf16:5", "cpu"), await dispatcher.NumericsAsync(ComputeType.Bf16));
    }

    [Fact]
    public async Task ATaskThatIsImpossible_FailsAtTheRun_AndIsForgotten()
    {
        ClusterExecutor executor = new(() => _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key), "run", ComputeType.Fp32, "", TimeProvider.System);
        await _silo.Link.RegisterAsync(Offer("w", 1), Cancellation);
        Task<TaskResult> asked = executor.ExecuteAsync(new ForkSpec(Shape, BlobHash.Of([1]), []), new FolderBlobStore(_folder.Path), null, Cancellation);
        LeasedTask leased = (await _silo.Link.LeaseAsync(new LeaseQuestion("w", 1, 1, []), Cancellation)).Task!;

        await _silo.Link.GiveBackAsync("w", 1, leased.Lease, leased.Key, new GivenBack(GiveBackReason.NonFinite, "the loss is NaN"), Cancellation);

        Assert.Equal("the loss is NaN", (await Assert.ThrowsAsync<NonFiniteStepException>(() => asked)).Message);
        Assert.Empty((await _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).StatusAsync()).Tasks);
    }

    [Fact]
    public async Task ASilentWorker_LosesItsTaskToAnotherAfterItsLease()
    {
        IDispatcherGrain dispatcher = _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);
        await _silo.Link.RegisterAsync(Offer("silent", 1), Cancellation);
        await _silo.Link.RegisterAsync(Offer("other", 1), Cancellation);
        await dispatcher.OrderAsync(Order());
        LeasedTask first = (await _silo.Link.LeaseAsync(new LeaseQuestion("silent", 1, 1, []), Cancellation)).Task!;

        LeasedTask second = (await _silo.Link.LeaseAsync(new LeaseQuestion("other", 1, 1, []), Cancellation)).Task!;

        Assert.Equal(first.Key, second.Key);
        Assert.True(second.Lease > first.Lease);
        HeartbeatOutcome late = await _silo.Link.HeartbeatAsync(new HeartbeatNote("silent", 1, first.Lease, first.Key, 0, TimeSpan.Zero, StepBatch.None), Cancellation);
        Assert.Equal(HeartbeatVerdict.Lost, late.Verdict);
    }

    [Fact]
    public async Task ANewIncarnation_GetsTheTaskOfTheOneBeforeAtOnce_AndTheOldOneIsAGhost()
    {
        IDispatcherGrain dispatcher = _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);
        await _silo.Link.RegisterAsync(Offer("w", 1), Cancellation);
        await dispatcher.OrderAsync(Order());
        LeasedTask first = (await _silo.Link.LeaseAsync(new LeaseQuestion("w", 1, 1, []), Cancellation)).Task!;

        await _silo.Link.RegisterAsync(Offer("w", 2), Cancellation);
        LeasedTask second = (await _silo.Link.LeaseAsync(new LeaseQuestion("w", 2, 1, []), Cancellation)).Task!;

        Assert.Equal(first.Key, second.Key);
        Assert.True((await _silo.Link.LeaseAsync(new LeaseQuestion("w", 1, 2, []), Cancellation)).UnknownWorker);
        Assert.True((await Assert.ThrowsAsync<LinkException>(() => _silo.Link.RegisterAsync(Offer("w", 1), Cancellation))).IsFinal);
    }

    [Fact]
    public async Task WithoutATokenForWorkers_NothingIsToldAndNothingChanges()
    {
        Invitation good = InvitationFor(TokenRole.Worker);
        foreach ((Invitation invitation, string expected) in new[]
        {
            (good with { Token = "guessed" }, "token"),
            (InvitationFor(TokenRole.Read), "workers"),
            (InvitationFor(TokenRole.Worker, TimeSpan.Zero), "expired"),
        })
        {
            using SiloChannel channel = new(_silo.Addresses[0], invitation);
            LinkException refused = await Assert.ThrowsAsync<LinkException>(
                () => new GrpcWorkerLink(channel.Invoker, TimeProvider.System).RegisterAsync(Offer("intruder", 1), Cancellation));
            Assert.True(refused.IsFinal);
            Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(invitation.Token, refused.ToString(), StringComparison.Ordinal);
            using HttpResponseMessage blob = await channel.Http.GetAsync($"blobs/{Key}", Cancellation);
            Assert.Contains(blob.StatusCode, new[] { HttpStatusCode.Unauthorized, HttpStatusCode.Forbidden });
        }

        ClusterStatus status = await _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).StatusAsync();
        Assert.Empty(status.Workers);
    }

    [Fact]
    public async Task AWorkerToken_IsNotAnAdministrators()
    {
        using SiloChannel channel = ChannelFor(TokenRole.Worker);

        using HttpResponseMessage deletion = await channel.Http.DeleteAsync($"blobs/{Key}", Cancellation);
        using HttpResponseMessage list = await channel.Http.GetAsync("blobs/", Cancellation);
        using HttpResponseMessage elsewhere = await channel.Http.GetAsync("anything", Cancellation);

        Assert.All([deletion, list, elsewhere], answer => Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode));
    }

    [Fact]
    public async Task WhoGuessesOften_IsNotToldMore_AndAGoodTokenFromTheSameAddressPasses()
    {
        Invitation good = InvitationFor(TokenRole.Worker);
        using SiloChannel guessing = new(_silo.Addresses[0], good with { Token = "guessed" });
        HttpStatusCode last = HttpStatusCode.OK;
        for (int guess = 0; guess < 11; guess++)
        {
            using HttpResponseMessage answer = await guessing.Http.GetAsync($"blobs/{Key}", Cancellation);
            last = answer.StatusCode;
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, last);
        using SiloChannel neighbour = new(_silo.Addresses[0], good);
        using HttpResponseMessage passed = await neighbour.Http.GetAsync($"blobs/{Key}", Cancellation);
        Assert.Equal(HttpStatusCode.NotFound, passed.StatusCode);
    }

    [Fact]
    public async Task TheUploadsOfTwoTokens_AreTwo_WhateverTheirWorkersCallThemselves()
    {
        using SiloChannel mallory = ChannelFor(TokenRole.Worker), honest = ChannelFor(TokenRole.Worker);

        Assert.Equal("300", await UploadAsync(mallory, 300));
        Assert.Equal("0", await UploadAsync(honest, 0));
        Assert.Equal("300", await UploadAsync(mallory, 0));

        static async Task<string> UploadAsync(SiloChannel channel, int bytes)
        {
            using HttpRequestMessage request = new(HttpMethod.Put, $"blobs/{Key}") { Content = new ByteArrayContent(new byte[bytes]) };
            request.Headers.Add("Upload-Client", "same");
            request.Headers.Add("Upload-Length", "1000");
            if (bytes > 0)
            {
                request.Headers.Add("Upload-Offset", "0");
            }

            using HttpResponseMessage answer = await channel.Http.SendAsync(request, Cancellation);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
            return answer.Headers.GetValues("Upload-Offset").Single();
        }
    }

    [Fact]
    public async Task ACertificateThatTheInvitationDoesNotName_IsNotTalkedTo()
    {
        using SiloChannel channel = new(_silo.Addresses[0], InvitationFor(TokenRole.Worker) with { Certificate = new string('0', 64) });

        LinkException refused = await Assert.ThrowsAsync<LinkException>(
            () => new GrpcWorkerLink(channel.Invoker, TimeProvider.System).RegisterAsync(Offer("w", 1), Cancellation));

        Assert.True(refused.IsFinal);
        Assert.Contains("certificate", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnotherVersion_IsRefusedWithBoth()
    {
        LinkException refused = await Assert.ThrowsAsync<LinkException>(() => _silo.Link.RegisterAsync(Offer("w", 1) with { Version = "0.0.1" }, Cancellation));

        Assert.True(refused.IsFinal);
        Assert.Contains("0.0.1", refused.Message, StringComparison.Ordinal);
        Assert.Contains(WorkerVersion.Text, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ASiloThatStartsAgain_GivesLargerLeases_AndKnowsItsTokens()
    {
        IDispatcherGrain dispatcher = _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key);
        await _silo.Link.RegisterAsync(Offer("w", 1), Cancellation);
        await dispatcher.OrderAsync(Order());
        long before = (await _silo.Link.LeaseAsync(new LeaseQuestion("w", 1, 1, []), Cancellation)).Task!.Lease;
        Invitation invitation = InvitationFor(TokenRole.Worker);
        await _silo.DisposeAsync();
        await InitializeAsync();

        using SiloChannel channel = new(_silo.Addresses[0], invitation);
        GrpcWorkerLink link = new(channel.Invoker, TimeProvider.System);
        Assert.True((await link.LeaseAsync(new LeaseQuestion("w", 1, 2, []), Cancellation)).UnknownWorker);
        await link.RegisterAsync(Offer("w", 1), Cancellation);
        await _silo.Grains.GetGrain<IDispatcherGrain>(IDispatcherGrain.Key).OrderAsync(Order());

        Assert.True((await link.LeaseAsync(new LeaseQuestion("w", 1, 2, []), Cancellation)).Task!.Lease > before);
    }

    [Fact]
    public async Task AnAddressThatIsTaken_IsSaid()
    {
        SiloOptions second = new() { StateFolder = Path.Combine(_folder.Path, "second"), Listen = new IPEndPoint(IPAddress.Loopback, _silo.Addresses[0].Port) };

        DiPaCoException refused = await Assert.ThrowsAsync<DiPaCoException>(() => SiloHost.StartAsync(second, null, TimeProvider.System, Cancellation));

        Assert.Contains($"{_silo.Addresses[0].Port}", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--listen", refused.Message, StringComparison.Ordinal);
    }

    private static TaskOrder Order() => new("run", Key, "train", [1, 2, 3], [], 0, 0, 0, "");

    private static WorkerOffer Offer(string name, long incarnation) => new(name, incarnation, WorkerVersion.Text, "cpu", 1 << 30, 1e9, "print", 1);

    private SiloChannel ChannelFor(TokenRole role) => new(_silo.Addresses[0], InvitationFor(role));

    private Invitation InvitationFor(TokenRole role, TimeSpan? lifetime = null) =>
        _silo.InvitationFor(_silo.Tokens.Create(role, lifetime ?? TimeSpan.FromHours(1)).Token);
}
