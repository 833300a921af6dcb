using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>topology</c>: what is not stated comes from the size; levels that are stated replace all of the size's levels.</summary>
internal static class TopologySection
{
    /// <summary>Most paths of a run. The largest grid that the paper speaks of has 32,768.</summary>
    public const int MostPaths = 65_536;

    private const int MostLevels = 256;

    public static TopologyOptions Read(SectionReader section, SizeTable filled)
    {
        Sharing embedding = section.Word("embedding", filled.Embedding, "Where the embedding belongs: shared, private, or level (a part of the first level).");
        Sharing head = section.Word("head", filled.Head, "Where the final norm and output matrix belong: shared, private, or level (the last).");
        ImmutableArray<LevelOptions> levels = ReadLevels(section, filled);
        TopologyOptions options = new()
        {
            Embedding = embedding,
            Head = head,
            Levels = levels,
            Replicas = section.Count("replicas", 1, new Bounds(1, MostPaths), "Paths per combination of experts, each with its own shard."),
            Paths = PathChoices.Read(section, levels),
        };
        section.Finish();
        return options;
    }

    private static ImmutableArray<LevelOptions> ReadLevels(SectionReader section, SizeTable filled)
    {
        const string key = "levels";
        const string expected = "a list of levels such as '- { blocks: 3, experts: 4 }'";
        ImmutableArray<LevelOptions> levels = LevelsOf(filled);
        switch (section.Value(key))
        {
            case null:
                break;
            case YamlSequence { Items.Length: > 0 and <= MostLevels } list:
                levels = LevelReader.ReadAll(section, list, filled);
                break;
            case YamlSequence list:
                section.Wrong(key, list, $"1 to {MostLevels} levels");
                break;
            case YamlValue value:
                section.Wrong(key, value, expected);
                break;
        }

        section.Keep(key, ConfigYaml.List(levels.Select(LevelReader.Write)), "From bottom to top: { blocks, experts } or { blocks, shared: true } or { blocks, private: true }; private_blocks: [0].");
        return levels;
    }

    private static ImmutableArray<LevelOptions> LevelsOf(SizeTable size)
    {
        LevelOptions level = new() { Blocks = size.Blocks / size.Levels, Experts = size.Experts, PrivateBlocks = size.PrivateBlocks };
        return [.. Enumerable.Repeat(level, size.Levels)];
    }
}
