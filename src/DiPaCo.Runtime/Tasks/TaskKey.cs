namespace DiPaCo.Runtime.Tasks;

/// <summary>The name of a task: 64 hexadecimal digits.</summary>
/// <param name="Hex">The digits.</param>
public readonly record struct TaskKey(string Hex)
{
    /// <inheritdoc/>
    public override string ToString() => Hex;
}
