using System.Text.Json.Serialization;
using DiPaCo.Core;

namespace DiPaCo.Runtime.Tasks;

/// <summary>
/// A task: a pure function of content-addressed inputs, written down. Two equal specifications have equal outputs,
/// byte for byte, whoever computes them and however often; so a task may be retried, duplicated, moved or remembered at will.
/// Everything that reaches a result is a property of the specification, and nothing of the machine is.
/// </summary>
public abstract record TaskSpec
{
    /// <summary>Raised when the arithmetic of any task changes: older results are then no longer remembered.</summary>
    public const int ArithmeticVersion = 9;

    /// <summary>What kind of task it is, for example <c>train</c>.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }

    /// <summary>The blobs that the task reads.</summary>
    [JsonIgnore]
    public abstract IEnumerable<BlobHash> Inputs { get; }

    /// <summary>Those inputs that a worker may be able to build instead of fetching them. What they are built from is no input.</summary>
    [JsonIgnore]
    public virtual IEnumerable<BuildableModule> Buildable => [];

    /// <summary>The task's name: SHA-256 of kind, arithmetic version and all properties.</summary>
    public TaskKey Key()
    {
        byte[] json = TaskJson.SerializeToUtf8Bytes(this);
        byte[] head = System.Text.Encoding.UTF8.GetBytes(FormattableString.Invariant($"{Kind}\n{ArithmeticVersion}\n"));
        return new TaskKey(BlobHash.Of([.. head, .. json]).Hex);
    }
}
