using System.Text.RegularExpressions;
using Xunit;

namespace DiPaCo.Core.Tests.Planning;

/// <summary>docs/paper.md names types, members, tests and configuration keys; a rename must not leave it behind.</summary>
public sealed partial class PaperMapTests
{
    private static readonly string[] s_folders = ["src", "tests"];
    private static readonly string s_map = File.ReadAllText(Path.Combine(Repository.Root, "docs", "paper.md"));

    /// <summary>The text of all files that declare a type, under its name.</summary>
    private static readonly ILookup<string, string> s_declared = s_folders
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories))
        .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
        .Select(File.ReadAllText)
        .SelectMany(text => Declaration.Matches(text).Select(match => (Name: match.Groups[1].Value, Text: text)))
        .ToLookup(declared => declared.Name, declared => declared.Text);

    [Fact]
    public void EveryTypeAndMemberThatTheMapNames_Exists()
    {
        (string Type, string Member)[] named = [.. Name.Matches(s_map).Select(match => (match.Groups[1].Value, match.Groups[2].Value)).Distinct()];

        Assert.True(named.Length > 60, $"{named.Length} names were found.");
        Assert.True(named.Count(name => name.Member.Length > 0) > 5, "Hardly any member was found.");
        Assert.All(named, name => Assert.True(s_declared.Contains(name.Type), $"Nothing declares {name.Type}."));
        Assert.All(named.Where(name => name.Member.Length > 0), name => Assert.True(
            s_declared[name.Type].Any(text => Declares(text, name.Member)), $"{name.Type} has no {name.Member}."));
    }

    [Fact]
    public void EverySentenceInQuotes_IsATestOfTheClassBeforeIt()
    {
        (string Class, string Sentence)[] quoted =
        [
            .. Quotes.Matches(s_map).SelectMany(match => Sentence.Matches(match.Groups[2].Value)
                .Select(sentence => (match.Groups[1].Value, sentence.Groups[1].Value))),
        ];

        Assert.Equal(s_map.Count(character => character == '"'), 2 * quoted.Length);
        Assert.True(quoted.Length > 30, $"{quoted.Length} sentences were found.");
        Assert.All(quoted, test => Assert.True(
            TestsOf(test.Class).Any(name => Says(name, test.Sentence)), $"{test.Class} has no test '{test.Sentence}'; it has {string.Join(", ", TestsOf(test.Class))}."));
    }

    [Fact]
    public void EveryKeyThatTheMapNames_IsOneOfTheConfiguration()
    {
        string configuration = File.ReadAllText(Path.Combine(Repository.Root, "docs", "configuration.md"));
        string[] keys = [.. Key.Matches(s_map).Select(match => match.Groups[1].Value + match.Groups[2].Value).Distinct()];

        Assert.True(keys.Length > 20, $"{keys.Length} keys were found.");
        Assert.All(keys, key => Assert.True(Regex.IsMatch(configuration, $@"^  (?:# )?{key}:", RegexOptions.Multiline), $"There is no key {key}."));
    }

    /// <summary>Whether a name is declared: behind a type or a modifier, before what may follow a name.</summary>
    private static bool Declares(string text, string member) => Regex.IsMatch(text, $@"[\w>\]?)] {member}(?:<\w+>)?\s*(?:[(){{;=,]|$)", RegexOptions.Multiline);

    /// <summary>Names of test methods, those of base classes not among them.</summary>
    private static IEnumerable<string> TestsOf(string type) => s_declared[type].SelectMany(text => Test.Matches(text).Select(match => match.Groups[1].Value));

    /// <summary>A sentence is a name's words; where it ends in … it is how the name begins.</summary>
    private static bool Says(string name, string sentence)
    {
        string letters = Letters(sentence);
        return sentence.EndsWith('…') ? Letters(name).StartsWith(letters, StringComparison.OrdinalIgnoreCase) : Letters(name).Equals(letters, StringComparison.OrdinalIgnoreCase);
    }

    private static string Letters(string text) => string.Concat(text.Where(char.IsAsciiLetterOrDigit));

    [GeneratedRegex(@"\b(?:class|record|struct|enum|interface) (?:struct )?([A-Z]\w+)")]
    private static partial Regex Declaration { get; }

    [GeneratedRegex(@"`([A-Z][A-Za-z]{3,})(?:\.(\w+))?`")]
    private static partial Regex Name { get; }

    [GeneratedRegex(@"`([A-Z][A-Za-z]+Tests)` \(((?:""[^""]+""(?:, )?)+)")]
    private static partial Regex Quotes { get; }

    [GeneratedRegex(@"""([^""]+)""")]
    private static partial Regex Sentence { get; }

    [GeneratedRegex(@"`(?:[a-z]+\.([a-z]+(?:_[a-z]+)*)|([a-z]+(?:_[a-z]+)+))(?:: [\w ]+)?`")]
    private static partial Regex Key { get; }

    [GeneratedRegex(@"public (?:static )?(?:async )?(?:void|Task) (\w+)\(")]
    private static partial Regex Test { get; }
}
