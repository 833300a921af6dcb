namespace DiPaCo.Serving.Chat.Templates;

/// <summary>The methods of maps.</summary>
internal static class MapMethods
{
    /// <summary>A method; null: there is none of that name.</summary>
    public static Value? Find(Value.Map map, string name) => name switch
    {
        "items" => new Value.Function(name, call => Items(map, call)),
        "keys" => new Value.Function(name, call => Listed(call, map.Entries.Values.Select(entry => entry.Key), map)),
        "values" => new Value.Function(name, call => Listed(call, map.Entries.Values.Select(entry => entry.Value), map)),
        "get" => new Value.Function(name, call => Get(map, call)),
        _ => null,
    };

    /// <summary>Pairs of keys and values.</summary>
    public static Value Items(Value.Map map, Arguments call) => Listed(call, map.Entries.Values.Select(entry => new Value.List([entry.Key, entry.Value])), map);

    private static Value.List Listed(Arguments call, IEnumerable<Value> values, Value.Map map)
    {
        call.Budget.Step(call.Line, map.Entries.Count);
        return new Value.List([.. values]);
    }

    private static Value Get(Value.Map map, Arguments call) =>
        call.Get(0, "key") is Value.Text key && call.Budget.Looks(call.Line, key.Marked.Length) && map.Entries.TryGetValue(key.String, out (Value.Text Key, Value Value) entry) ? entry.Value
        : call.Find(1, "default") ?? Value.None.Instance;
}
