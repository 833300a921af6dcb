namespace DiPaCo.Runtime;

/// <summary>What a run's folder says about the run.</summary>
public enum RunState
{
    /// <summary>A process works on it now.</summary>
    Running,

    /// <summary>Begun, not finished, and nobody works on it: the same <c>train</c> command goes on.</summary>
    Stopped,

    /// <summary>Finished, evaluation included.</summary>
    Finished,
}
