using DiPaCo.Runtime.Storage;

namespace DiPaCo.Runtime.Recipe;

/// <summary>Where a run writes its small files, and who is told of every write.</summary>
/// <param name="Paths">The run's folder.</param>
/// <param name="Steps">Told of writes.</param>
internal sealed record RunFiles(RunPaths Paths, IStorageSteps Steps);
