namespace DiPaCo.Cluster;

/// <summary>A run that somebody wants computed. Its blobs are in the store already.</summary>
/// <param name="Configuration">The configuration as canonical JSON.</param>
/// <param name="ConfigurationYaml">The same for people.</param>
/// <param name="Journal">The journal with the tasks that read the text, as the bytes of its file.</param>
/// <param name="Strict">Whether all tasks are to be computed by workers that round alike.</param>
[GenerateSerializer]
[Immutable]
[Alias("dipaco.run-submission")]
public sealed record RunSubmission(string Configuration, string ConfigurationYaml, byte[] Journal, bool Strict);
