using DiPaCo.Core;

namespace DiPaCo.Cluster;

/// <summary>The dispatcher could not be reached, or refused to listen.</summary>
/// <param name="message">What happened, and what to do where something can be done.</param>
/// <param name="isFinal">Trying again would change nothing.</param>
/// <param name="inner">Its cause.</param>
public sealed class LinkException(string message, bool isFinal, Exception? inner = null) : DiPaCoException(message, inner!)
{
    /// <summary>Trying again would change nothing, for example because the token has expired.</summary>
    public bool IsFinal { get; } = isFinal;
}
