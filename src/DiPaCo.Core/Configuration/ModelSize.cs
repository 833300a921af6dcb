namespace DiPaCo.Core.Configuration;

/// <summary>The dial that fills in every default that a file does not state.</summary>
public enum ModelSize
{
    /// <summary>About a minute on two CPU cores.</summary>
    Tiny,

    /// <summary>Five to seven minutes on two CPU cores.</summary>
    Small,

    /// <summary>A few hours on CPU cores, minutes on a GPU; 4×4 paths.</summary>
    Medium,

    /// <summary>Days of a GPU; paths of about 50 M parameters.</summary>
    Large,

    /// <summary>The paper's 16×16 paths of 150 M parameters with path-private blocks.</summary>
    Paper,
}
