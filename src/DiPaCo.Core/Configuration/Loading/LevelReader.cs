using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>Reads and writes the items of <c>topology.levels</c>.</summary>
internal static class LevelReader
{
    /// <summary>The keys of a level, which are in no section of their own.</summary>
    public static readonly ImmutableArray<string> Keys = ["blocks", "experts", "shared", "private", "private_blocks"];

    private static readonly Bounds Blocks = new(1, 1_024);

    /// <summary>Reads the stated levels. Levels without <c>blocks</c> divide what is left of the size's blocks, the lower ones first.</summary>
    public static ImmutableArray<LevelOptions> ReadAll(SectionReader section, YamlSequence list, SizeTable filled)
    {
        long left = filled.Blocks - list.Items.Sum(item => StatedBlocks(item) ?? 0);
        int silent = list.Items.Count(item => StatedBlocks(item) is null);
        ImmutableArray<LevelOptions>.Builder levels = ImmutableArray.CreateBuilder<LevelOptions>();
        foreach (YamlValue item in list.Items)
        {
            int share = (int)Math.Max(1, silent == 0 ? 1 : (left + silent - 1) / silent);
            if (StatedBlocks(item) is null)
            {
                (left, silent) = (left - share, silent - 1);
            }

            levels.Add(Read(section.Item($"levels[{levels.Count}]", item), share, filled.Experts));
        }

        return levels.ToImmutable();
    }

    /// <summary>One level as it stands in a file.</summary>
    public static string Write(LevelOptions level)
    {
        string kind = level.Sharing switch
        {
            Sharing.Shared => "shared: true",
            Sharing.Private => "private: true",
            _ => $"experts: {NumberText.Of((long)level.Experts)}",
        };
        string inner = level.PrivateBlocks.IsEmpty ? "" : $", private_blocks: [{string.Join(", ", level.PrivateBlocks)}]";
        return $"{{ blocks: {NumberText.Of((long)level.Blocks)}, {kind}{inner} }}";
    }

    private static LevelOptions Read(SectionReader level, int filledBlocks, int filledExperts)
    {
        int blocks = level.Count("blocks", filledBlocks, Blocks, "");
        bool shared = level.Flag("shared", false, "");
        bool isPrivate = level.Flag("private", false, "");
        int experts = level.Count("experts", shared || isPrivate ? 1 : filledExperts, new Bounds(1, TopologySection.MostPaths), "");
        if (shared && isPrivate)
        {
            level.Conflict("private", "a level is either shared by all paths or private to each; expected only one of 'shared' and 'private'.");
        }
        else if ((shared || isPrivate) && experts != 1)
        {
            level.Conflict("experts", $"a {(shared ? "shared" : "private")} level has no experts to choose from; expected only one of 'experts' and '{(shared ? "shared" : "private")}'.");
        }

        ImmutableArray<int> privateBlocks = ReadPrivateBlocks(level, blocks);
        if (isPrivate && !privateBlocks.IsEmpty)
        {
            level.Conflict("private_blocks", "every block of a private level is private already; expected no 'private_blocks'.");
        }
        else if (!isPrivate && privateBlocks.Length == blocks)
        {
            level.Conflict("private_blocks", "these are all blocks of the level, so nothing is left for its experts; expected fewer, or 'private: true' instead.");
        }

        level.Finish();
        return new LevelOptions
        {
            Blocks = blocks,
            Experts = shared || isPrivate ? 1 : experts,
            Sharing = isPrivate ? Sharing.Private : shared ? Sharing.Shared : Sharing.Level,
            PrivateBlocks = privateBlocks,
        };
    }

    private static ImmutableArray<int> ReadPrivateBlocks(SectionReader level, int blocks)
    {
        const string key = "private_blocks";
        Bounds inside = new(0, blocks - 1);
        YamlValue? value = level.Value(key);
        if (value is not YamlSequence list)
        {
            if (value is not null)
            {
                level.Wrong(key, value, "a list of blocks such as [0, 2], counted from 0 at the bottom of the level");
            }

            return [];
        }

        SortedSet<int> numbers = [];
        foreach (YamlValue item in list.Items)
        {
            bool valid = item is YamlScalar { IsPlain: true } scalar && NumberText.TryWhole(scalar.Text, out long number)
                && inside.Contain(number) && numbers.Add((int)number);
            if (!valid)
            {
                level.Wrong(key, item, $"{inside} (this level has {blocks} {(blocks == 1 ? "block" : "blocks")}), each once");
            }
        }

        return [.. numbers];
    }

    private static long? StatedBlocks(YamlValue item) =>
        (item as YamlMapping)?.Find("blocks")?.Value is YamlScalar scalar && NumberText.TryWhole(scalar.Text, out long blocks)
        && Blocks.Contain(blocks) ? blocks : null;
}
