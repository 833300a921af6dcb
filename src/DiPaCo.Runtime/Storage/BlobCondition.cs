namespace DiPaCo.Runtime.Storage;

/// <summary>What a verification found.</summary>
public enum BlobCondition
{
    /// <summary>The bytes match the name.</summary>
    Intact,

    /// <summary>The bytes do not match the name.</summary>
    Damaged,

    /// <summary>There is no such blob.</summary>
    Missing,
}
