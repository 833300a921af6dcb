using System.Text.Json.Nodes;
using DiPaCo.Serving.Chat.Templates;

namespace DiPaCo.Serving.Tests.Chat.Templates;

/// <summary>Renders templates with values that are written as JSON.</summary>
internal static class TemplateLab
{
    /// <summary>What a template makes of values, all of which a client wrote.</summary>
    public static string Render(string template, string values = "{}", TimeProvider? time = null) => Marked(template, values, time).Value;

    /// <summary>The same with the origin of every character.</summary>
    public static MarkedText Marked(string template, string values = "{}", TimeProvider? time = null) => ChatTemplate.Parse(template).Render(
        JsonNode.Parse(values)!.AsObject().Select(pair => KeyValuePair.Create(pair.Key, ValueOf(pair.Value))), time ?? TimeProvider.System);

    private static Value ValueOf(JsonNode? json)
    {
        switch (json)
        {
            case null:
                return Value.None.Instance;
            case JsonArray list:
                return new Value.List([.. list.Select(ValueOf)]);
            case JsonObject entries:
                Value.Map map = new();
                foreach ((string key, JsonNode? value) in entries)
                {
                    map.Set(key, ValueOf(value));
                }

                return map;
            case JsonValue value when value.TryGetValue(out string? text):
                return new Value.Text(MarkedText.OfClient(text));
            case JsonValue value when value.TryGetValue(out bool truth):
                return Value.Of(truth);
            case JsonValue value when value.TryGetValue(out long number):
                return new Value.Integer(number);
            default:
                return new Value.Number(json.GetValue<double>());
        }
    }
}
