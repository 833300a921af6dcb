namespace DiPaCo.Core.Planning;

/// <summary>A module of the plan.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Parts">What it owns, bottom up: <c>embedding, blocks 0–2, head</c>.</param>
/// <param name="Parameters">Its parameters.</param>
/// <param name="Paths">Paths through it, the paper's P_{l,e}.</param>
public sealed record PlannedModule(ModuleId Id, string Parts, long Parameters, int Paths);
