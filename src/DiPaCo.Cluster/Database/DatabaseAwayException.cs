using DiPaCo.Core;

namespace DiPaCo.Cluster;

/// <summary>The cluster's database was not to be had for longer than anybody waits in one go. Nothing is lost; it is tried again from what is recorded.</summary>
/// <param name="message">What was tried, and the cause.</param>
/// <param name="cause">The failure.</param>
internal sealed class DatabaseAwayException(string message, Exception cause) : DiPaCoException(message, cause);
