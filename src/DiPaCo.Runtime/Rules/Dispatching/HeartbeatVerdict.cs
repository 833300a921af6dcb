namespace DiPaCo.Runtime.Rules;

/// <summary>What a worker should do with a task.</summary>
public enum HeartbeatVerdict
{
    /// <summary>Go on.</summary>
    Continue,

    /// <summary>Save the inner state and hand back: the run is paused.</summary>
    HandBack,

    /// <summary>Drop it: the lease is no longer valid. Steps that are made may still be handed back.</summary>
    Lost,

    /// <summary>The dispatcher does not know this incarnation: register, then go on; a result will still be taken.</summary>
    Unknown,
}
