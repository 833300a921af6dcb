namespace DiPaCo.Cluster;

/// <summary>What a dispatcher must not forget. Everything else it is told again: runs order again, workers register again.</summary>
[GenerateSerializer]
public sealed class DispatcherMemory
{
    /// <summary>Starts so far. Numbers of leases begin with it, so that they only ever grow.</summary>
    [Id(0)]
    public long Starts { get; set; }
}
