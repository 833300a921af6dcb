namespace DiPaCo.Cluster;

/// <summary>What a token allows.</summary>
public enum TokenRole
{
    /// <summary>See the state of the cluster.</summary>
    Read,

    /// <summary>Compute tasks: lease, deliver, and transfer blobs.</summary>
    Worker,

    /// <summary>Everything: begin, pause and delete runs, make tokens.</summary>
    Admin,
}
