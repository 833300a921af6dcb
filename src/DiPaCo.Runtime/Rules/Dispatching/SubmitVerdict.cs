namespace DiPaCo.Runtime.Rules;

/// <summary>What became of a submitted task.</summary>
public enum SubmitVerdict
{
    /// <summary>The dispatcher has it; it had it before if it was submitted before.</summary>
    Accepted,

    /// <summary>Another run has the same task computed under another numerics fingerprint: submit it again when that is over.</summary>
    OtherFingerprint,

    /// <summary>The run has ended: nothing is computed for it.</summary>
    RunEnded,
}
