namespace DiPaCo.Core.Configuration;

/// <summary>Where a value of a configuration comes from.</summary>
public enum ConfigOrigin
{
    /// <summary>The file states it.</summary>
    Stated,

    /// <summary>The dial <c>size</c>, or a default that every size has, fills it in.</summary>
    Filled,
}
