namespace DiPaCo.Runtime.Rules;

/// <summary>How bad a result is that is refused at the door.</summary>
public enum RefusalKind
{
    /// <summary>It cannot be used: a non-finite value, a wrong shape. When another worker brings the same bytes, the task is at fault and is given up.</summary>
    Invalid,

    /// <summary>It is hard to believe: its norm is far from the others'. When another worker brings the same bytes, it is right after all.</summary>
    Unlikely,
}
