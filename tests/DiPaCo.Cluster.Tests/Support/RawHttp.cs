using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace DiPaCo.Cluster.Tests.Support;

/// <summary>A connection that says exactly what the test wants, HTTP or not.</summary>
internal sealed class RawHttp : IDisposable
{
    private readonly TcpClient _client = new();

    private NetworkStream _stream = null!;

    private RawHttp()
    {
    }

    public static async Task<RawHttp> ConnectAsync(Uri server)
    {
        var raw = new RawHttp();
        await raw._client.ConnectAsync(server.Host, server.Port);
        raw._stream = raw._client.GetStream();
        return raw;
    }

    /// <summary>Sends a whole request and reads the whole answer.</summary>
    public static async Task<RawAnswer> AskAsync(Uri server, byte[] request)
    {
        using RawHttp raw = await ConnectAsync(server);
        try
        {
            await raw.SendAsync(request);
        }
        catch (IOException)
        {
            // The server has answered and closed before it was told everything.
        }

        return await raw.AnswerAsync();
    }

    public static byte[] Request(string method, string target, params string[] headers) =>
        Encoding.Latin1.GetBytes($"{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{string.Concat(headers.Select(header => header + "\r\n"))}\r\n");

    public async Task SendAsync(byte[] bytes) => await _stream.WriteAsync(bytes);

    public void EndSending()
    {
        try
        {
            _client.Client.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // Closed by the other side already.
        }
    }

    /// <summary>Reads the answer to its end.</summary>
    public async Task<RawAnswer> AnswerAsync()
    {
        using var all = new MemoryStream();
        byte[] buffer = new byte[65_536];
        string text = string.Empty;
        try
        {
            for (int read; !IsComplete(text) && (read = await _stream.ReadAsync(buffer)) > 0;)
            {
                all.Write(buffer, 0, read);
                text = Encoding.UTF8.GetString(all.ToArray());
            }
        }
        catch (IOException)
        {
            // Reset after the answer: what was sent in vain is thrown away.
        }

        int status = text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal) ? int.Parse(text.AsSpan(9, 3), CultureInfo.InvariantCulture) : 0;
        return new RawAnswer(status, text);
    }

    public void Dispose() => _client.Dispose();

    // Not all servers close at once when they have answered before they were told everything.
    private static bool IsComplete(string text)
    {
        int body = text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        string? length = new RawAnswer(0, text).Header("Content-Length");
        return body >= 4 && (length is null
            ? text.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal)
            : text.Length - body >= int.Parse(length, CultureInfo.InvariantCulture));
    }
}
