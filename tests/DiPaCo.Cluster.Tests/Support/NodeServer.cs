using System.Diagnostics;
using System.Text.RegularExpressions;
using DiPaCo.Tests;
using Xunit;

namespace DiPaCo.Cluster.Tests.Support;

/// <summary>A server from tests/servers, as a process that ends with this one.</summary>
internal sealed partial class NodeServer : IAsyncDisposable
{
    // Its standard input ends when we do, however we end.
    private const string EndWithParent = "process.stdin.on('end', () => process.exit()).resume(); require(process.argv[1]);";

    private readonly Process _process;
    private readonly Task _output;

    private NodeServer(Process process, Task output, Uri address)
    {
        _process = process;
        _output = output;
        Address = address;
    }

    public Uri Address { get; }

    /// <summary>Starts a server that tells its address when it is ready; skips the test where it is not installed.</summary>
    /// <param name="script">Below tests/servers/node_modules.</param>
    /// <param name="repair">JavaScript that runs before it, for what the server cannot do by itself.</param>
    /// <param name="arguments">With port 0.</param>
    public static async Task<NodeServer> StartOrSkipAsync(string script, string repair, params string[] arguments)
    {
        string path = Path.Combine(ServersFolder(), "node_modules", script);
        Assert.SkipUnless(File.Exists(path), $"{script} is not installed: npm install --prefix tests/servers --no-package-lock");
        Assert.SkipUnless(CanRunNode(), "Node.js is not installed.");
        Process process = Process.Start(new ProcessStartInfo("node", ["-e", repair + EndWithParent, path, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task errors = process.StandardError.ReadToEndAsync();
        string all = string.Empty;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            all += line + '\n';
            if (Listening().Match(line) is { Success: true } match)
            {
                Task output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), errors);
                return new NodeServer(process, output, new Uri($"http://{match.Groups[1].Value}"));
            }
        }

        throw new InvalidOperationException($"{script} did not start: {all}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        await _output;
        _process.Dispose();
    }

    private static bool CanRunNode()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("node", ["--version"]) { RedirectStandardOutput = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static string ServersFolder() => Path.Combine(RepositoryRoot.Folder, "tests", "servers");

    [GeneratedRegex(@"listen\w* on (?:http://)?(127\.0\.0\.1:[0-9]+)")]
    private static partial Regex Listening();
}
