namespace DiPaCo.Cluster;

/// <summary>A run: what it is, what somebody wants of it, and where its recipe is hosted. Its key is the run's name.</summary>
[Alias("dipaco.run")]
public interface IRunGrain : IGrainWithStringKey
{
    /// <summary>Somebody submits the run; once more changes nothing.</summary>
    [Alias("submit")]
    Task<RunLine> SubmitAsync(RunSubmission submission);

    /// <summary>Somebody wants it to wait.</summary>
    [Alias("pause")]
    Task<RunLine> PauseAsync();

    /// <summary>Somebody wants it to go on.</summary>
    [Alias("resume")]
    Task<RunLine> ResumeAsync();

    /// <summary>Somebody wants it to be gone.</summary>
    [Alias("delete")]
    Task<RunLine> DeleteAsync();

    /// <summary>Where it stands.</summary>
    [Alias("status")]
    Task<RunLine> StatusAsync();

    /// <summary>The configuration, canonical and for people; empty: there is none.</summary>
    [Alias("configuration")]
    Task<(string Json, string Yaml)> ConfigurationAsync();

    /// <summary>Waits a while for news.</summary>
    /// <param name="session">Whose events the caller has seen; 0: nobody's.</param>
    /// <param name="from">Number of the first event that it has not seen.</param>
    [Alias("follow")]
    Task<RunNews> FollowAsync(long session, long from);

    /// <summary>A host has come to the recipe's end.</summary>
    /// <param name="beginning">Which beginning of the run it hosted.</param>
    /// <param name="failure">Why it cannot go on; empty: it is finished.</param>
    /// <param name="modelDigest">The model.</param>
    [Alias("ended")]
    Task EndedAsync(long beginning, string failure, string modelDigest);
}
