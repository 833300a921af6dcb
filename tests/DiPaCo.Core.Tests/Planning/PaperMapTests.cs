using System.Text.RegularExpressions;
using Xunit;

namespace DiPaCo.Core.Tests.Planning;

/// <summary>docs/paper.md names types and tests; a rename must not leave it behind.</summary>
public sealed partial class PaperMapTests
{
    private static readonly string[] s_folders = ["src", "tests"];

    [Fact]
    public void EveryTypeAndTestThatTheMapNames_Exists()
    {
        string map = File.ReadAllText(Path.Combine(Repository.Root, "docs", "paper.md"));
        HashSet<string> declared = [.. s_folders
            .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
            .SelectMany(file => Declaration.Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value))];
        string[] named = [.. Name.Matches(map).Select(match => match.Groups[1].Value).Distinct()];

        Assert.True(named.Length > 60, $"{named.Length} names were found.");
        Assert.DoesNotContain(named, name => !declared.Contains(name));
    }

    [GeneratedRegex(@"\b(?:class|record|struct|enum|interface) (?:struct )?([A-Z]\w+)")]
    private static partial Regex Declaration { get; }

    [GeneratedRegex(@"`([A-Z][A-Za-z]{3,})(?:\.\w+)?`")]
    private static partial Regex Name { get; }
}
