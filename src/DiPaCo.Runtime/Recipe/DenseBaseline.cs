namespace DiPaCo.Runtime.Recipe;

/// <summary>A dense model to compare with.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Model">Its parameters and what its stage cost.</param>
/// <param name="FromBase">Whether it went on from the base model, so that the base stage counts too.</param>
internal sealed record DenseBaseline(string Name, DenseModel Model, bool FromBase);
