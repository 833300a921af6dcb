using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime;

/// <summary>Writes every training step into <c>metrics.jsonl</c> and passes all events on.</summary>
/// <param name="next">Sees everything.</param>
/// <param name="log">Receives steps.</param>
internal sealed class MetricsObserver(IRunObserver next, MetricsLog log) : IRunObserver
{
    public void Observe(RunEvent runEvent)
    {
        if (runEvent is StepMade step)
        {
            log.Append(StepMetric.Of(step).ToLine());
        }

        next.Observe(runEvent);
    }
}
