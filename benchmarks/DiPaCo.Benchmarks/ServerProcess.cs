using System.Diagnostics;

namespace DiPaCo.Benchmarks;

/// <summary>A server in a process of its own, ended when it is disposed.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process, Uri address)
    {
        _process = process;
        Client = new HttpClient { BaseAddress = address };
    }

    /// <summary>Speaks to it.</summary>
    public HttpClient Client { get; }

    /// <summary>Starts <c>dipaco serve</c> and waits until it says where it listens; null, and a line on the console: the program is not built.</summary>
    public static async Task<ServerProcess?> StartAsync(string folder, string weights)
    {
        string program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "DiPaCo.Cli", "release", "dipaco.dll"));
        if (!File.Exists(program))
        {
            Console.WriteLine("The program is missing: dotnet build -c Release src/DiPaCo.Cli");
            return null;
        }

        Process process = Process.Start(new ProcessStartInfo("dotnet", [program, "serve", folder, "--listen", "127.0.0.1:0", "--weights", weights]) { RedirectStandardOutput = true })!;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Split(' ').FirstOrDefault(word => word.StartsWith("http://", StringComparison.Ordinal)) is { } address)
            {
                return new ServerProcess(process, new Uri(new Uri(address), "/"));
            }
        }

        throw new InvalidOperationException($"The server ended with {process.ExitCode} before it served.");
    }

    /// <summary>Waits until it says something with a certain text.</summary>
    public async Task HearAsync(string text)
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return;
            }
        }

        throw new InvalidOperationException($"The server ended and did not say '{text}'.");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Client.Dispose();
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
