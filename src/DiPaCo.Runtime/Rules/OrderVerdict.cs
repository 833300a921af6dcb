namespace DiPaCo.Runtime.Rules;

/// <summary>What became of an order that a run gave to a path or a module.</summary>
public enum OrderVerdict
{
    /// <summary>It is carried out.</summary>
    Taken,

    /// <summary>It, or a later one, was there before.</summary>
    Known,

    /// <summary>The segment before it has not ended here: it has to be given again later.</summary>
    Busy,

    /// <summary>It cannot follow what was done before: nothing was changed.</summary>
    Contradiction,
}
