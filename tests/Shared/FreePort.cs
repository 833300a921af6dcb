using System.Net;
using System.Net.Sockets;

namespace DiPaCo.Tests;

/// <summary>A port that nobody has, compiled into the test assemblies that start servers.</summary>
internal static class FreePort
{
    /// <summary>Takes it and lets it go again.</summary>
    public static int Find()
    {
        using TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
