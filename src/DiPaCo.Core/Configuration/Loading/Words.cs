using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace DiPaCo.Core.Configuration;

/// <summary>
/// The words of an enumeration in files: the member's name in lower case with underscores, or what its
/// <see cref="JsonStringEnumMemberNameAttribute"/> says; so YAML and JSON agree.
/// </summary>
internal static class Words<T> where T : struct, Enum
{
    private static readonly ImmutableArray<(T Value, string Word)> Pairs =
    [
        .. Enum.GetValues<T>().Select(value => (value, WordOf(value))),
    ];

    public static IEnumerable<string> All => Pairs.Select(pair => pair.Word);

    public static string Of(T value) => Pairs.First(pair => EqualityComparer<T>.Default.Equals(pair.Value, value)).Word;

    public static bool TryParse(string word, out T value)
    {
        (T Value, string Word) pair = Pairs.FirstOrDefault(pair => pair.Word == word);
        value = pair.Value;
        return pair.Word is not null;
    }

    private static string WordOf(T value)
    {
        string name = value.ToString();
        return typeof(T).GetField(name)?.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name
            ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(name);
    }
}
