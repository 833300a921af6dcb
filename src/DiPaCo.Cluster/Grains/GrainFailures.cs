using System.Data.Common;
using System.Net.Sockets;

namespace DiPaCo.Cluster;

/// <summary>What a call to a grain may fail with although nothing is wrong with the call.</summary>
internal static class GrainFailures
{
    /// <summary>Whether the same call may be answered a moment later: the grain moves to another silo, or the database restarts.</summary>
    public static bool IsPassing(Exception exception) =>
        exception is Orleans.Runtime.OrleansException or TimeoutException or DbException or SocketException or IOException or ObjectDisposedException
        || (exception is AggregateException several && several.InnerExceptions.All(IsPassing));
}
