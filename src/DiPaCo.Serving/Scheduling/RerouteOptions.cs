using DiPaCo.Core.Configuration;

namespace DiPaCo.Serving.Scheduling;

/// <summary>Routing anew while a text is written (paper §2.4.3).</summary>
/// <param name="Window">Tokens W from one choice to the next, at least 1.</param>
/// <param name="Router">Which router chooses: by the tokens just before, as many as a prefix has, or by the token router.</param>
public sealed record RerouteOptions(int Window, ReroutingRouter Router);
