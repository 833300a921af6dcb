namespace DiPaCo.Core.Planning;

/// <summary>Bytes that move in one phase. A worker that keeps its path from phase to phase need not fetch the optimizer's state again.</summary>
/// <param name="ModulesDownPerPath">Modules that one path's task fetches: 4 bytes per parameter, or what <c>outer.download</c> makes of it; differences where the worker has the version before.</param>
/// <param name="OptimizerDownPerPath">The path's state that it fetches where another worker had the path before: AdamW's two moments, 8 bytes per parameter, and with a codec 4 more for what it left out.</param>
/// <param name="ModulesUpPerPath">Trained parameters, or their encoded deltas, that it hands back.</param>
/// <param name="OptimizerUpPerPath">State that it hands back.</param>
/// <param name="TasksPerWorker">Tasks of one phase that the busiest worker computes.</param>
/// <param name="Paths">Tasks of one phase.</param>
public sealed record PlannedTraffic(
    long ModulesDownPerPath, long OptimizerDownPerPath, long ModulesUpPerPath, long OptimizerUpPerPath, int TasksPerWorker, int Paths)
{
    /// <summary>Bytes that the outer steps of a phase read, all modules being touched by as many paths as on average: modules, momenta, contributions, and the sums of folds.</summary>
    public long OuterDown { get; init; }

    /// <summary>Bytes that they write: modules and momenta.</summary>
    public long OuterUp { get; init; }

    /// <summary>Bytes that the folds before them read: modules, contributions, and the sums of folds before. Those are contributions that outer steps do not read.</summary>
    public long FoldsDown { get; init; }

    /// <summary>Bytes that folds write: sums, 8 per parameter.</summary>
    public long FoldsUp { get; init; }

    /// <summary>Bytes down to the busiest worker in one phase.</summary>
    public long DownPerWorker => TasksPerWorker * (ModulesDownPerPath + OptimizerDownPerPath);

    /// <summary>Bytes up from the busiest worker in one phase.</summary>
    public long UpPerWorker => TasksPerWorker * (ModulesUpPerPath + OptimizerUpPerPath);

    /// <summary>Bytes down to all workers in one phase.</summary>
    public long DownTotal => Paths * (ModulesDownPerPath + OptimizerDownPerPath);

    /// <summary>Bytes up from all workers in one phase.</summary>
    public long UpTotal => Paths * (ModulesUpPerPath + OptimizerUpPerPath);
}
