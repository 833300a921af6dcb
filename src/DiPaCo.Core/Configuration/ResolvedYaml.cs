namespace DiPaCo.Core.Configuration;

/// <summary>Prints a complete configuration as YAML that loads to the same configuration; values that the file did not state say so.</summary>
public static class ResolvedYaml
{
    /// <summary>The complete configuration as YAML.</summary>
    public static string Write(LoadedConfig loaded)
    {
        string note = $"from size: {Words<ModelSize>.Of(loaded.Config.Size)}";
        YamlOutline outline = new();
        foreach (ConfigValue value in loaded.Values)
        {
            outline.Add(value, value.Origin == ConfigOrigin.Filled ? note : null);
        }

        return outline.ToString();
    }
}
