using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>Reads <c>topology.paths</c>: <c>all</c>, or one choice of experts per path.</summary>
internal static class PathChoices
{
    private const string Key = "paths";

    /// <summary>The choices of an explicit list; empty for <c>all</c>.</summary>
    public static ImmutableArray<ImmutableArray<int>> Read(SectionReader section, ImmutableArray<LevelOptions> levels)
    {
        ImmutableArray<ImmutableArray<int>> paths = section.Value(Key) switch
        {
            null or YamlScalar { Text: "all" } => [],
            YamlSequence { Items.Length: > 0 and <= TopologySection.MostPaths } list => ReadList(section, list, levels),
            YamlValue other => Refuse(other),
        };
        section.Keep(
            Key,
            paths.IsEmpty ? ConfigYaml.Of("all") : ConfigYaml.List(paths.Select(path => $"[{string.Join(", ", path)}]")),
            "Which products of experts exist: all, or a list such as [[0, 0], [1, 1]], experts counted from 0.");
        return paths;

        ImmutableArray<ImmutableArray<int>> Refuse(YamlValue value)
        {
            section.Wrong(Key, value, $"'all', or a list of 1 to {TopologySection.MostPaths:N0} choices such as [[0, 0], [1, 1]]");
            return [];
        }
    }

    private static ImmutableArray<ImmutableArray<int>> ReadList(SectionReader section, YamlSequence list, ImmutableArray<LevelOptions> levels)
    {
        ImmutableArray<ImmutableArray<int>>.Builder paths = ImmutableArray.CreateBuilder<ImmutableArray<int>>(list.Items.Length);
        HashSet<string> seen = new(StringComparer.Ordinal);
        bool complete = true;
        for (int i = 0; i < list.Items.Length; i++)
        {
            ImmutableArray<int>? choice = ReadChoice(section, $"{Key}[{i}]", list.Items[i], levels);
            complete &= choice is not null;
            if (choice is { } path)
            {
                paths.Add(path);
                if (!seen.Add(string.Join(',', path)))
                {
                    section.Wrong($"{Key}[{i}]", list.Items[i], "each choice once; 'replicas' makes several paths of one choice");
                }
            }
        }

        string unused = string.Join(", ", levels.SelectMany((level, number) => Enumerable.Range(0, level.Experts)
            .Except(paths.Select(path => path[number]))
            .Select(expert => $"expert {expert} of level {number + 1}")).Take(5));
        if (complete && unused.Length > 0)
        {
            section.Wrong(Key, list, $"every expert in at least one path; unused: {unused}");
        }

        return paths.ToImmutable();
    }

    private static ImmutableArray<int>? ReadChoice(SectionReader section, string key, YamlValue item, ImmutableArray<LevelOptions> levels)
    {
        if (item is not YamlSequence choice || choice.Items.Length != levels.Length)
        {
            section.Wrong(key, item, $"one expert for each of the {levels.Length} levels");
            return null;
        }

        ImmutableArray<int>.Builder experts = ImmutableArray.CreateBuilder<int>(levels.Length);
        for (int level = 0; level < levels.Length; level++)
        {
            Bounds existing = new(0, levels[level].Experts - 1);
            YamlValue value = choice.Items[level];
            if (value is YamlScalar { IsPlain: true } scalar && NumberText.TryWhole(scalar.Text, out long expert) && existing.Contain(expert))
            {
                experts.Add((int)expert);
            }
            else
            {
                section.Wrong($"{key}[{level}]", value, $"an expert of level {level + 1}: {existing}");
            }
        }

        return experts.Count == levels.Length ? experts.ToImmutable() : null;
    }
}
