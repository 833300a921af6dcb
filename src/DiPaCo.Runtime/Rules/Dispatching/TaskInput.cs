using DiPaCo.Core;

namespace DiPaCo.Runtime.Rules;

/// <summary>A blob that a task reads.</summary>
/// <param name="Blob">Its name.</param>
/// <param name="Bytes">Its size: what a worker that has it needs not fetch.</param>
public readonly record struct TaskInput(BlobHash Blob, long Bytes);
