namespace DiPaCo.Runtime.Rules;

/// <summary>What a worker takes a failure for.</summary>
public enum FailureKind
{
    /// <summary>Nobody knows: tried again a few times.</summary>
    Unexplained,

    /// <summary>Of the worker's disk or network, which may be in order again soon: tried again for as long as that may take.</summary>
    Passing,

    /// <summary>Of the task: another worker would fail as well. Asked for a second opinion where there is one to be had.</summary>
    Permanent,
}
