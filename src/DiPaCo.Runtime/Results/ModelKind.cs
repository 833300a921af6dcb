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

    /// <summary>The model of the run under a router that draws each document's path: what is to be expected of it.</summary>
    RoutedRandom,

    /// <summary>The model of the run with the best path of each document in hindsight: no router of documents does better.</summary>
    RoutedOracle,

    /// <summary>The model of the run with its weights stored as a server would store them, in fp32 arithmetic.</summary>
    RoutedRounded,

    /// <summary>The model of the run, every document routed anew at every chunk of so many tokens.</summary>
    Rerouted,
}
