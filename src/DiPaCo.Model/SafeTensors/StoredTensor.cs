namespace DiPaCo.Model.SafeTensors;

/// <summary>A tensor of an opened file.</summary>
/// <param name="Spec">Name, element type and shape.</param>
/// <param name="FileOffset">Position of its first byte, counted from the start of the file.</param>
public sealed record StoredTensor(TensorSpec Spec, long FileOffset);
