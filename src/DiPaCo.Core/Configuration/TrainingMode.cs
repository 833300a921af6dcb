namespace DiPaCo.Core.Configuration;

/// <summary>How often the paths through a module meet.</summary>
public enum TrainingMode
{
    /// <summary>Every τ steps: inner AdamW steps on each path, then the outer step on each module (paper Algorithm 1).</summary>
    Phases,

    /// <summary>
    /// At every step: the gradients of all paths are averaged per module, and each module makes one AdamW step
    /// (module-wise synchronous training, paper §4.5). It needs the whole model on one machine and is there to compare with.
    /// </summary>
    Synchronous,
}
