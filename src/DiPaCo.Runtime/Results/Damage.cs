namespace DiPaCo.Runtime;

/// <summary>A missing or damaged part of a run.</summary>
/// <param name="What">The part, for example <c>module level1.expert0, version 3</c>.</param>
/// <param name="Problem">What is wrong, for example <c>hash differs</c>.</param>
/// <param name="Repaired">Whether it was set aside so that the next <c>train</c> makes it anew.</param>
public sealed record Damage(string What, string Problem, bool Repaired)
{
    /// <summary>Whether <c>verify --repair</c> can set it aside. Only a journal can neither be made anew nor done without.</summary>
    public bool Repairable { get; init; } = true;
}
