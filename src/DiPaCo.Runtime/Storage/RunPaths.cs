namespace DiPaCo.Runtime.Storage;

/// <summary>Where the parts of a run are. Nothing in a run says where the run is, so its folder can be moved and copied.</summary>
/// <param name="Folder">The run's folder.</param>
public sealed record RunPaths(string Folder)
{
    /// <summary>The complete configuration as YAML, defaults filled in, for people.</summary>
    public string Configuration => Path.Combine(Folder, "config.yaml");

    /// <summary>What the run is: format version and resolved configuration. A folder with this file is a run.</summary>
    public string Info => Path.Combine(Folder, "run.json");

    /// <summary>The finished tasks.</summary>
    public string Journal => Path.Combine(Folder, "journal.jsonl");

    /// <summary>The measurements.</summary>
    public string Metrics => Path.Combine(Folder, "metrics.jsonl");

    /// <summary>The blob store's folder.</summary>
    public string Blobs => Path.Combine(Folder, "blobs");

    /// <summary>The report for a browser.</summary>
    public string Report => Path.Combine(Folder, "report.html");

    /// <summary>The plots as images.</summary>
    public string Plots => Path.Combine(Folder, "plots");

    /// <summary>Locked by the process that changes the run.</summary>
    public string Lock => Path.Combine(Folder, "run.lock");

    /// <summary>Who that process is, in words.</summary>
    public string Holder => Path.Combine(Folder, "run.holder");
}
