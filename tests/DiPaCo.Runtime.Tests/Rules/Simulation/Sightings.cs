namespace DiPaCo.Runtime.Tests.Rules.Simulation;

/// <summary>How often things happened that the simulation is there for: a simulation in which they do not happen proves nothing.</summary>
internal sealed class Sightings
{
    public long Crashes { get; set; }

    public long ExpiredLeases { get; set; }

    public long LateResults { get; set; }

    public long RepeatedResults { get; set; }

    public long Duplicates { get; set; }

    public long Renewals { get; set; }

    public long HandOvers { get; set; }

    public long Refusals { get; set; }

    public long Acquittals { get; set; }

    public long Quarantines { get; set; }

    public long GivenUp { get; set; }

    public long Pauses { get; set; }

    public long Deletions { get; set; }

    public long EarlyStarts { get; set; }

    public long Folds { get; set; }

    public long FoldsMeanwhile { get; set; }

    public long Forgotten { get; set; }

    public long Hangs { get; set; }

    public void Add(Sightings other)
    {
        foreach (System.Reflection.PropertyInfo property in typeof(Sightings).GetProperties())
        {
            property.SetValue(this, (long)property.GetValue(this)! + (long)property.GetValue(other)!);
        }
    }

    /// <summary>What did not happen.</summary>
    public IEnumerable<string> Missing() => typeof(Sightings).GetProperties().Where(property => (long)property.GetValue(this)! == 0).Select(property => property.Name);

    public override string ToString() =>
        string.Join(", ", typeof(Sightings).GetProperties().Select(property => FormattableString.Invariant($"{property.Name} {property.GetValue(this)}")));
}
