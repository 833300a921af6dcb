using Microsoft.Extensions.Hosting;

namespace DiPaCo.Serving.Http;

/// <summary>Signals are the program's business: the host's own lifetime would hold back the second one, which is to end the process at once.</summary>
internal sealed class NoLifetime : IHostLifetime
{
    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
