using System.Globalization;
using System.Text;
using System.Text.Json;

namespace DiPaCo.Runtime.Storage;

/// <summary>Compares two resolved configurations key by key.</summary>
public static class ConfigurationComparison
{
    /// <summary>
    /// The keys whose values differ, in the order of the documents. Numbers are compared by value (1 and 1.0 are equal),
    /// objects without regard to order.
    /// </summary>
    public static IReadOnlyList<ConfigurationDifference> Compare(JsonElement old, JsonElement now)
    {
        List<ConfigurationDifference> differences = [];
        Compare(string.Empty, old, now, differences);
        return differences;
    }

    /// <summary>Whether a difference lies in one of the keys, or below it.</summary>
    public static bool IsWithin(ConfigurationDifference difference, IEnumerable<string> keys) => keys.Any(key =>
        difference.Key.StartsWith(key, StringComparison.Ordinal)
        && (difference.Key.Length == key.Length || difference.Key[key.Length] is '.' or '['));

    private static void Compare(string key, JsonElement old, JsonElement now, List<ConfigurationDifference> differences)
    {
        if (old.ValueKind == JsonValueKind.Object && now.ValueKind == JsonValueKind.Object)
        {
            CompareObjects(key, old, now, differences);
        }
        else if (old.ValueKind == JsonValueKind.Array && now.ValueKind == JsonValueKind.Array)
        {
            CompareArrays(key, old, now, differences);
        }
        else if (!JsonElement.DeepEquals(old, now))
        {
            differences.Add(new ConfigurationDifference(key, Text(old), Text(now)));
        }
    }

    private static void CompareObjects(string key, JsonElement old, JsonElement now, List<ConfigurationDifference> differences)
    {
        string prefix = key.Length == 0 ? string.Empty : $"{key}.";
        foreach (JsonProperty property in old.EnumerateObject())
        {
            string child = prefix + property.Name;
            if (now.TryGetProperty(property.Name, out JsonElement other))
            {
                Compare(child, property.Value, other, differences);
            }
            else
            {
                differences.Add(new ConfigurationDifference(child, Text(property.Value), null));
            }
        }

        foreach (JsonProperty property in now.EnumerateObject())
        {
            if (!old.TryGetProperty(property.Name, out _))
            {
                differences.Add(new ConfigurationDifference(prefix + property.Name, null, Text(property.Value)));
            }
        }
    }

    private static void CompareArrays(string key, JsonElement old, JsonElement now, List<ConfigurationDifference> differences)
    {
        int oldLength = old.GetArrayLength();
        int newLength = now.GetArrayLength();
        for (int i = 0; i < Math.Max(oldLength, newLength); i++)
        {
            string child = string.Create(CultureInfo.InvariantCulture, $"{key}[{i}]");
            if (i < oldLength && i < newLength)
            {
                Compare(child, old[i], now[i], differences);
            }
            else
            {
                differences.Add(new ConfigurationDifference(
                    child, i < oldLength ? Text(old[i]) : null, i < newLength ? Text(now[i]) : null));
            }
        }
    }

    private static string Text(JsonElement value) => Encoding.UTF8.GetString(CanonicalJson.Serialize(value));
}
