using DiPaCo.Runtime;

namespace DiPaCo.RunHost;

/// <summary>Sees nothing.</summary>
public sealed class SilentObserver : IRunObserver
{
    public void Observe(RunEvent runEvent)
    {
    }
}
