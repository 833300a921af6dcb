namespace DiPaCo.Data;

/// <summary>What a document is used for. The numbers are stored in token chunks and never change.</summary>
public enum Split
{
    /// <summary>Trains the base model and the paths.</summary>
    Train = 0,

    /// <summary>Measured during and after training, never trained on.</summary>
    Validation = 1,

    /// <summary>Measured once, at the end.</summary>
    Test = 2,

    /// <summary>Labels of the discriminative router: scored under every path, never trained on (paper §2.4.2).</summary>
    Router = 3,
}
