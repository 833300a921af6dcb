using System.Collections.Immutable;

namespace DiPaCo.Core.Configuration;

/// <summary>The section <c>data</c>.</summary>
internal static class DataSection
{
    private const int MostPaths = 10_000;
    private const string ExpectedPaths = "a file, folder or glob, a list of them, or the single word 'demo'";
    private static readonly Interval Share = new(0, 0.5);

    // A run ends with an evaluation, which needs text; losses during training may be done without.
    private static readonly Interval TestShare = Share with { OpenBelow = true };

    public static DataOptions Read(SectionReader section, SizeTable filled)
    {
        DataOptions defaults = new() { Paths = [] };
        DataOptions options = new()
        {
            Paths = ReadPaths(section),
            TextField = Field(section, "text_field", defaults.TextField, "Field of the text in records (jsonl, json.gz, parquet)."),
            OriginField = Field(section, "origin_field", defaults.OriginField, "Field that names a record's original; the part before # decides its split."),
            SourceField = Field(section, "source_field", defaults.SourceField, "Field that names a record's source, for reports only."),
            MaxBadShare = section.Number("max_bad_share", defaults.MaxBadShare, new Interval(0, 1), "Largest share of bad records that a run accepts."),
            ValidationShare = section.Number("validation_share", filled.ValidationShare, Share, "Share of the originals kept for losses during training; 0: none are measured."),
            TestShare = section.Number("test_share", filled.TestShare, TestShare, "Share of the originals kept for the final evaluation."),
            RouterShare = section.Number("router_share", defaults.RouterShare, Share, "Share of the originals kept to train routers."),
        };
        section.Finish();
        return options;
    }

    private static string Field(SectionReader section, string key, string filled, string summary) =>
        section.Text(key, filled, text => text.Length is > 0 and <= 200 && !text.Any(char.IsControl), "a field's name of at most 200 characters", summary)!;

    private static ImmutableArray<string> ReadPaths(SectionReader section)
    {
        const string key = "paths";
        ImmutableArray<YamlValue> items = section.Value(key) switch
        {
            YamlSequence { Items.Length: > MostPaths } sequence => Refuse(sequence, $"at most {MostPaths:N0} of them; name their folder"),
            YamlSequence { Items.IsEmpty: true } sequence => Refuse(sequence, ExpectedPaths),
            YamlSequence sequence => sequence.Items,
            YamlScalar scalar => [scalar],
            YamlMapping mapping => Refuse(mapping, ExpectedPaths),
            _ => [],
        };
        if (!section.States(key))
        {
            section.Missing(key, ExpectedPaths);
        }

        ImmutableArray<string>.Builder paths = ImmutableArray.CreateBuilder<string>();
        for (int i = 0; i < items.Length; i++)
        {
            if (items[i] is YamlScalar { IsEmpty: false, Text.Length: > 0 and <= 4_096 } path && !path.Text.Any(char.IsControl))
            {
                paths.Add(path.Text);
            }
            else
            {
                section.Wrong(items.Length == 1 ? key : $"{key}[{i}]", items[i], "a file, folder or glob");
            }
        }

        section.Keep(key, ConfigYaml.List(paths.Select(YamlText.Quote)), "Files, folders and globs, relative to this file; or demo, the .NET SDK's API documentation.");
        return paths.ToImmutable();

        ImmutableArray<YamlValue> Refuse(YamlValue value, string expected)
        {
            section.Wrong(key, value, expected);
            return [];
        }
    }
}
