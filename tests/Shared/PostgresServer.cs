using System.Diagnostics;
using Xunit;

namespace DiPaCo.Tests;

/// <summary>A real PostgreSQL server of its own on 127.0.0.1, in a folder that is gone afterwards.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dipaco-postgres-").FullName;
    private Process? _server;

    /// <summary>Why there is none; empty: there is one.</summary>
    public string Missing { get; private set; } = "";

    /// <summary>Its port.</summary>
    public int Port { get; private set; }

    /// <summary>How to reach a database of it.</summary>
    public string ConnectionTo(string database) => $"Host=127.0.0.1;Port={Port};Username=dipaco;Database={database};Pooling=true;Timeout=5";

    /// <summary>A new, empty database.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        Assert.SkipWhen(Missing.Length > 0, Missing);
        string name = $"test_{Guid.NewGuid():n}";
        await using Npgsql.NpgsqlConnection connection = new(ConnectionTo("postgres"));
        await connection.OpenAsync();
        await using Npgsql.NpgsqlCommand command = new($"CREATE DATABASE {name}", connection);
        await command.ExecuteNonQueryAsync();
        return ConnectionTo(name);
    }

    public async ValueTask InitializeAsync()
    {
        if (Find("initdb") is not { } initdb || Find("postgres") is not { } postgres)
        {
            Missing = "Needs PostgreSQL's programs initdb and postgres (apt-get install postgresql).";
            return;
        }

        string data = Path.Combine(_folder, "data");
        Directory.CreateDirectory(data);
        if (Environment.UserName == "root")
        {
            // The server refuses to run as root.
            await RunAsync("chown", ["-R", "nobody", _folder]);
            await RunAsync("chmod", ["755", _folder]);
        }

        await RunAsync(initdb, ["-D", data, "-U", "dipaco", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]);
        Port = FreePort.Find();
        StartServer(postgres, data);
        await WaitAsync();
    }

    /// <summary>Ends the server without a goodbye (SIGQUIT, its "immediate" shutdown), and starts it again.</summary>
    public async Task RestartAsync(TimeSpan pause)
    {
        using (Process kill = Process.Start("kill", ["-QUIT", $"{_server!.Id}"]))
        {
            await kill.WaitForExitAsync();
        }

        await _server.WaitForExitAsync();
        _server.Dispose();
        Npgsql.NpgsqlConnection.ClearAllPools();
        await Task.Delay(pause, TimeProvider.System);
        StartServer(Find("postgres")!, Path.Combine(_folder, "data"));
        await WaitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            Npgsql.NpgsqlConnection.ClearAllPools();
            _server.Kill(entireProcessTree: true);
            await _server.WaitForExitAsync();
            _server.Dispose();
        }

        if (Environment.UserName == "root" && _server is not null)
        {
            await RunAsync("chown", ["-R", "root", _folder]);
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string? Find(string program)
    {
        IEnumerable<string> folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Concat(Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(folder => Path.Combine(folder, "bin")) : []);
        return folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
    }

    private static ProcessStartInfo Start(string program, IEnumerable<string> arguments)
    {
        bool asOther = Environment.UserName == "root" && program is not ("chown" or "chmod");
        return new ProcessStartInfo(asOther ? "setpriv" : program, asOther ? ["--reuid=nobody", "--regid=nogroup", "--clear-groups", program, .. arguments] : arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
    }

    private static async Task RunAsync(string program, IEnumerable<string> arguments)
    {
        using Process process = Process.Start(Start(program, arguments))!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program}: {await output}{error}");
    }

    private void StartServer(string postgres, string data)
    {
        _server = Process.Start(Start(
            postgres, ["-D", data, "-p", $"{Port}", "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={data}", "-c", "fsync=off", "-c", "max_connections=300"]))!;
        _server.ErrorDataReceived += (_, _) => { };
        _server.BeginErrorReadLine();
        _server.BeginOutputReadLine();
    }

    private async Task WaitAsync()
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await using Npgsql.NpgsqlConnection connection = new(ConnectionTo("postgres"));
                await connection.OpenAsync();
                return;
            }
            catch (Npgsql.NpgsqlException) when (attempt < 300 && !_server!.HasExited)
            {
                await Task.Delay(TimeSpan.FromSeconds(0.1), TimeProvider.System);
            }
        }
    }
}
