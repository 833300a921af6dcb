namespace DiPaCo.Serving.Chat.Templates;

/// <summary>The methods of lists.</summary>
internal static class ListMethods
{
    /// <summary>A method; null: there is none of that name.</summary>
    public static Value? Find(Value.List list, string name) => name switch
    {
        "append" => new Value.Function(name, call => Append(list, call)),
        "count" => new Value.Function(name, call => new Value.Integer(list.Items.Count(item => Operators.AreEqual(item, call.Get(0, "value"), call.Budget, call.Line)))),
        "index" => new Value.Function(name, call =>
            list.Items.FindIndex(item => Operators.AreEqual(item, call.Get(0, "value"), call.Budget, call.Line)) is >= 0 and int at ? new Value.Integer(at)
            : throw call.Wrong("the list has no such value.")),
        _ => null,
    };

    private static Value.None Append(Value.List list, Arguments call)
    {
        call.Budget.Step(call.Line);
        list.Items.Add(call.Get(0, "value"));
        return Value.None.Instance;
    }
}
