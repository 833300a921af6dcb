namespace DiPaCo.Runtime;

/// <summary>What the models of one run are to each other: whom a row of the evaluation or a loss curve is about.</summary>
public enum ModelKind
{
    /// <summary>The model of the run: every document under its one path.</summary>
    Routed,

    /// <summary>The dense model of one path's size, trained for as many steps as a path.</summary>
    DenseEqualSteps,

    /// <summary>The same dense model at equal training FLOPs of all paths together.</summary>
    DenseEqualFlops,

    /// <summary>The dense base model as it was at the fork.</summary>
    DenseBase,
}
