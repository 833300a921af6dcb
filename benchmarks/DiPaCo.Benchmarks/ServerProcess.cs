namespace DiPaCo.Benchmarks;

/// <summary>A server in a process of its own, ended when it is disposed.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly DipacoProcess _process;
    private int _heard;

    private ServerProcess(DipacoProcess process, Uri address, int heard)
    {
        _process = process;
        _heard = heard;
        Client = new HttpClient { BaseAddress = address };
    }

    /// <summary>Speaks to it.</summary>
    public HttpClient Client { get; }

    /// <summary>Starts <c>dipaco serve</c> and waits until it says where it listens; null, and a line on the console: the program is not built.</summary>
    public static async Task<ServerProcess?> StartAsync(string folder, string weights)
    {
        if (!File.Exists(DipacoProcess.Program))
        {
            Console.WriteLine(DipacoProcess.IsMissing);
            return null;
        }

        DipacoProcess process = DipacoProcess.Start("serve", folder, "--listen", "127.0.0.1:0", "--weights", weights);
        (_, string line, int next) = await process.LineAsync(" http://");
        string address = line.Split(' ').First(word => word.StartsWith("http://", StringComparison.Ordinal));
        return new ServerProcess(process, new Uri(new Uri(address), "/"), next);
    }

    /// <summary>Waits until it says something with a certain text.</summary>
    public async Task HearAsync(string text) => (_, _, _heard) = await _process.LineAsync(text, _heard);

    /// <inheritdoc/>
    public void Dispose()
    {
        Client.Dispose();
        _process.Dispose();
    }
}
