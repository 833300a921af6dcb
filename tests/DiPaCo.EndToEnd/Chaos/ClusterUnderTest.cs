using System.Text.RegularExpressions;
using DiPaCo.Cluster;
using DiPaCo.Core;
using DiPaCo.Tests;

namespace DiPaCo.EndToEnd.Chaos;

/// <summary>Two silos on a PostgreSQL server, each behind a stretch of network, and four workers; all of them are started again when they end.</summary>
internal sealed partial class ClusterUnderTest : IAsyncDisposable
{
    private const int Silos = 2;
    private const int Workers = 4;

    private readonly string _folder;
    private readonly PostgresServer _server;
    private readonly HashSet<string> _ofText = [];

    private ClusterUnderTest(string folder, PostgresServer server)
    {
        _folder = folder;
        _server = server;
        Disk = SmallDisk.TryMount(Path.Combine(folder, "small-disk"), "8m");
    }

    public KeptAlive[] AllSilos { get; private set; } = [];

    public KeptAlive[] AllWorkers { get; private set; } = [];

    public TcpProxy[] Networks { get; private set; } = [];

    /// <summary>Where one worker has its cache; null where disks cannot be mounted.</summary>
    public SmallDisk? Disk { get; }

    /// <summary>Opens the cluster for whoever submits.</summary>
    public string Admin { get; private set; } = "";

    private string Blobs => Path.Combine(_folder, "blobs");

    public static async Task<ClusterUnderTest> StartAsync(string folder, PostgresServer server, CancellationToken cancellationToken)
    {
        ClusterUnderTest cluster = new(folder, server);
        string database = await server.NewDatabaseAsync();
        await RunAsync(cancellationToken, "silo", "--init-db", "--database", database);
        int[] ports = [.. Enumerable.Range(0, Silos).Select(_ => FreePort.Find())];
        int[] between = [.. Enumerable.Range(0, Silos).Select(_ => FreePort.Find())];
        cluster.Networks = [.. ports.Select(port => new TcpProxy(port))];
        cluster.AllSilos = [.. Enumerable.Range(0, Silos).Select(i => new KeptAlive(
            "silo", "--database", database, "--blobs", cluster.Blobs, "--listen", $"127.0.0.1:{ports[i]}", "--between", $"127.0.0.1:{between[i]}",
            "--state", Path.Combine(folder, $"silo-{i}"), "--name", $"silo-{i}", "--lease", "2"))];
        foreach (KeptAlive silo in cluster.AllSilos)
        {
            await silo.Process.LineWithAsync("is open at", cancellationToken);
        }

        cluster.Admin = Word().Match(await RunAsync(cancellationToken, "token", "create", "--database", database, "--role", "admin")).Value;
        Invitation direct = Invitation.Read(Word().Match(await RunAsync(cancellationToken, "token", "create", "--database", database)).Value);
        string invitation = (direct with { Addresses = [.. cluster.Networks.Select(network => new Uri($"https://127.0.0.1:{network.Port}"))] }).Write();
        cluster.AllWorkers = [.. Enumerable.Range(0, Workers).Select(i => new KeptAlive(
            "worker", "--join", invitation, "--name", $"worker-{i}", "--threads", "1", "--device", "cpu", "--grace", "2",
            "--cache", i == 0 && cluster.Disk is { } disk ? Path.Combine(disk.Path, "cache") : Path.Combine(folder, $"cache-{i}")))];
        return cluster;
    }

    public Task RestartDatabaseAsync(TimeSpan pause) => _server.RestartAsync(pause);

    /// <summary>The blobs that are there now were made of the text, and only the submitter can make them again.</summary>
    public void KeepText() => _ofText.UnionWith(Names());

    /// <summary>Changes a byte of a blob; the newest are those that somebody needs.</summary>
    public bool CorruptBlob(RandomStream random)
    {
        string[] files = [.. Names().Except(_ofText).OrderByDescending(File.GetLastWriteTimeUtc).Take(40)];
        if (files.Length == 0)
        {
            return false;
        }

        try
        {
            using FileStream file = new(files[random.NextInt32(files.Length)], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            long at = random.NextInt32((int)file.Length);
            file.Position = at;
            int value = file.ReadByte();
            file.Position = at;
            file.WriteByte((byte)(value ^ 0x55));
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>What everybody wrote, for whoever has to find out.</summary>
    public string Output() => string.Join("\n", AllSilos.Select((silo, i) => $"=== silo {i}\n{silo.Output}").Concat(AllWorkers.Select((worker, i) => $"=== worker {i}\n{worker.Output}")));

    public async ValueTask DisposeAsync()
    {
        foreach (KeptAlive process in AllWorkers.Concat(AllSilos))
        {
            await process.DisposeAsync();
        }

        Array.ForEach(Networks, network => network.Dispose());
        Disk?.Dispose();
    }

    private static async Task<string> RunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        using DipacoProcess process = DipacoProcess.Start(arguments);
        int code = await process.EndAsync(cancellationToken);
        return code == 0 ? process.Output : throw new InvalidOperationException(process.Output);
    }

    private IEnumerable<string> Names() => Directory.Exists(Blobs)
        ? Directory.EnumerateFiles(Blobs, "*", SearchOption.AllDirectories).Where(file => BlobHash.TryParse(Path.GetFileName(file), out _))
        : [];

    [GeneratedRegex("dipaco1\\.[A-Za-z0-9_-]+")]
    private static partial Regex Word();
}
