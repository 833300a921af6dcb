namespace DiPaCo.Cluster;

/// <summary>What somebody wants of a run that is there. Equal to the numbers on the wire.</summary>
public enum RunWish
{
    /// <summary>It is to wait, and keep what it has.</summary>
    Pause = 1,

    /// <summary>It is to go on.</summary>
    Resume = 2,

    /// <summary>It is to be gone.</summary>
    Delete = 3,
}
