namespace DiPaCo.Runtime.Rules;

/// <summary>What became of a delivered result. All but <see cref="Unknown"/> are final: the worker sends it no more.</summary>
public enum CompletionVerdict
{
    /// <summary>It is the task's result.</summary>
    Taken,

    /// <summary>The same bytes were there before.</summary>
    Known,

    /// <summary>Other bytes were there before: these are ignored, and both digests shown.</summary>
    Contradiction,

    /// <summary>Nobody wants this task, or no longer.</summary>
    NotWanted,

    /// <summary>It is no valid result; the task runs again elsewhere.</summary>
    Refused,

    /// <summary>The dispatcher does not know this worker: register, then deliver again.</summary>
    Unknown,
}
