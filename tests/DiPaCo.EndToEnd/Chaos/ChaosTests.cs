using System.Diagnostics;
using System.Globalization;
using DiPaCo.Core;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.EndToEnd.Chaos;

/// <summary>
/// A run on two silos, PostgreSQL and four workers, of which any may be killed, frozen, cut off or robbed of its disk at any moment, ends by
/// itself with the bytes of a run in one process that nobody disturbed. <c>DIPACO_TEST_CHAOS=100</c> makes so many faults, in a longer run.
/// </summary>
public sealed class ChaosTests(PostgresServer server) : IClassFixture<PostgresServer>, IDisposable
{
    private const int ShortFaults = 24;
    private const int FewestFaults = 20;

    private readonly string _folder = RunHost.SmallRun.CreateFolder();
    private readonly List<string> _log = [];
    private readonly Stopwatch _since = new();

    private enum Fault
    {
        KillWorker,
        FreezeWorker,
        KillSilo,
        FreezeSilo,
        RestartDatabase,
        CutNetwork,
        SlowNetwork,
        CorruptBlob,
        FillDisk,
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task WhateverHappensToAnyOfThem_TheRunEndsByItselfWithTheSameBytes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs signals.");
        Assert.SkipWhen(server.Missing.Length > 0, server.Missing);
        int faults = int.TryParse(Environment.GetEnvironmentVariable("DIPACO_TEST_CHAOS"), NumberStyles.None, CultureInfo.InvariantCulture, out int asked) ? asked : ShortFaults;
        string config = ChaosRun.Prepare(_folder, phases: 3 * Math.Max(1, faults / ShortFaults), steps: 50);
        string alone = Path.Combine(_folder, "alone"), run = Path.Combine(_folder, "run");
        using (DipacoProcess undisturbed = DipacoProcess.Start("train", config, "--run", alone))
        {
            Assert.True(await undisturbed.EndAsync(Cancellation) == 0, undisturbed.Output);
        }

        await using ClusterUnderTest cluster = await ClusterUnderTest.StartAsync(_folder, server, Cancellation);
        _since.Start();
        using DipacoProcess submitter = DipacoProcess.Start("train", config, "--run", run, "--join", cluster.Admin);
        await submitter.LineWithAsync("The cluster has the run", Cancellation);
        cluster.KeepText();
        await submitter.LineWithAsync("phases:", Cancellation);
        RandomStream random = new(17, "faults");
        int made = 0;
        for (int i = 0; i < faults && !submitter.HasExited; i++)
        {
            Fault fault = Next(i, random);
            if (await MakeAsync(fault, cluster, random))
            {
                made++;
            }

            await OrEndAsync(submitter, TimeSpan.FromMilliseconds(300 + random.NextInt32(1200)));
        }

        int code = await submitter.EndAsync(Cancellation);
        Log($"ended with {code} after {made} faults");
        TestContext.Current.SendDiagnosticMessage(string.Join("\n", _log));
        Assert.True(code == 0, $"{string.Join("\n", _log)}\n{submitter.Output}\n{cluster.Output()}");
        Assert.Equal(WithoutJournal(RunContents.Of(alone)), WithoutJournal(RunContents.Of(run)));
        Assert.True(made >= FewestFaults, $"Only {made} faults were made before the run was finished: the test shows too little.\n{string.Join("\n", _log)}");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Each kind comes early once; then workers are hit most often, as in life.</summary>
    private static Fault Next(int number, RandomStream random)
    {
        Fault[] kinds = Enum.GetValues<Fault>();
        return number < kinds.Length ? kinds[number] : random.NextInt32(10) switch
        {
            < 3 => Fault.KillWorker,
            3 => Fault.FreezeWorker,
            4 or 5 => Fault.KillSilo,
            6 => Fault.CutNetwork,
            7 => Fault.SlowNetwork,
            8 => Fault.CorruptBlob,
            _ => random.NextInt32(2) == 0 ? Fault.RestartDatabase : Fault.FillDisk,
        };
    }

    private async Task<bool> MakeAsync(Fault fault, ClusterUnderTest cluster, RandomStream random)
    {
        int worker = random.NextInt32(cluster.AllWorkers.Length), silo = random.NextInt32(cluster.AllSilos.Length);
        Log($"{fault} (worker {worker}, silo {silo})");
        switch (fault)
        {
            case Fault.KillWorker:
                cluster.AllWorkers[worker].Signal("KILL");
                return true;
            case Fault.FreezeWorker:
                await FreezeAsync(cluster.AllWorkers[worker], TimeSpan.FromSeconds(3));
                return true;
            case Fault.KillSilo:
                cluster.AllSilos[silo].Signal("KILL");
                return true;
            case Fault.FreezeSilo:
                await FreezeAsync(cluster.AllSilos[silo], TimeSpan.FromSeconds(4));
                return true;
            case Fault.RestartDatabase:
                await cluster.RestartDatabaseAsync(TimeSpan.FromSeconds(1));
                return true;
            case Fault.CutNetwork:
                cluster.Networks[silo].IsCut = true;
                await PauseAsync(TimeSpan.FromSeconds(3));
                cluster.Networks[silo].IsCut = false;
                return true;
            case Fault.SlowNetwork:
                cluster.Networks[silo].Delay = TimeSpan.FromMilliseconds(150);
                await PauseAsync(TimeSpan.FromSeconds(3));
                cluster.Networks[silo].Delay = TimeSpan.Zero;
                return true;
            case Fault.CorruptBlob:
                return cluster.CorruptBlob(random);
            default:
                return await FillAsync(cluster.Disk);
        }
    }

    private static async Task FreezeAsync(KeptAlive process, TimeSpan time)
    {
        process.Signal("STOP");
        await PauseAsync(time);
        process.Signal("CONT");
    }

    private static async Task<bool> FillAsync(SmallDisk? disk)
    {
        if (disk is null)
        {
            return false;
        }

        string filler = Path.Combine(disk.Path, "filler");
        try
        {
            await using FileStream file = new(filler, FileMode.Create);
            byte[] piece = new byte[64 << 10];
            while (true)
            {
                file.Write(piece);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // Full, as wanted.
        }

        await PauseAsync(TimeSpan.FromSeconds(3));
        File.Delete(filler);
        return true;
    }

    private static Task PauseAsync(TimeSpan time) => Task.Delay(time, TimeProvider.System, Cancellation);

    private static async Task OrEndAsync(DipacoProcess process, TimeSpan time) => await Task.WhenAny(process.EndAsync(Cancellation), PauseAsync(time));

    private void Log(string text) => _log.Add(string.Create(CultureInfo.InvariantCulture, $"{_since.Elapsed.TotalSeconds,7:0.0} s  {text}"));

    /// <summary>The order of the journal is that in which tasks ended, which many hands change.</summary>
    private static IEnumerable<string> WithoutJournal(IEnumerable<string> contents) => contents.Where(line => !line.StartsWith("journal", StringComparison.Ordinal));
}
